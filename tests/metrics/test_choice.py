import pytest

from splatsr.errors import InputError
from splatsr.metrics.choice import check_metrics, choose_metrics
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM


@pytest.mark.parametrize("metrics", ["psnr", [], ["psnr", "psnr"], ["mse"], 3])
def test_impossible_metrics_are_refused(metrics: object) -> None:
    with pytest.raises(InputError, match="metric"):
        check_metrics(metrics)


def test_metrics_come_in_the_order_asked_for() -> None:
    choice = choose_metrics(["ssim", "psnr"])
    assert list(choice.make.items()) == [("ssim", SSIM), ("psnr", PSNR)]
    assert not choice.missing
