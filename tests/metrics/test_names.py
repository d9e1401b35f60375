"""The table of metrics, and that what it says is what the protocols and the classes do."""

import pytest

from composed import protocol_of
from splatsr.errors import InputError
from splatsr.metrics.names import METRICS, PSNR_NAMES, REQUESTABLE, check_metrics, find_metric
from splatsr.metrics.psnr import PSNR


def test_no_two_metrics_are_called_alike() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({metric.heading for metric in METRICS}) == len(METRICS)
    assert REQUESTABLE == ("psnr", "ssim", "lpips", "dists", "fid")
    assert PSNR_NAMES == ("psnr_y", "psnr_rgb")


@pytest.mark.parametrize("luminance", [True, False])
def test_psnr_and_ssim_compare_what_the_protocol_says_and_the_others_rgb(luminance: bool) -> None:
    found = {requested: find_metric(requested, luminance=luminance) for requested in REQUESTABLE}
    assert {requested for requested, metric in found.items() if not metric.sees_rgb} == (
        {"psnr", "ssim"} if luminance else set()
    )
    assert all(metric.requested_as == requested for requested, metric in found.items())
    assert found["psnr"].computed_by is PSNR
    with pytest.raises(KeyError, match="mse"):
        find_metric("mse", luminance=luminance)


def test_gsasrs_protocol_measures_rgb_perceptually_and_y_otherwise() -> None:
    protocol = protocol_of("g")
    assert [protocol.metric(name).name for name in protocol.metrics] == ["psnr_y", "ssim_y", "lpips", "dists"]


@pytest.mark.parametrize("metrics", ["psnr", [], ["psnr", "psnr"], ["mse"], 3])
def test_impossible_metrics_are_refused(metrics: object) -> None:
    with pytest.raises(InputError, match="^metrics"):
        check_metrics(metrics)
