import logging
from pathlib import Path

import pytest

from splatsr.errors import InputError
from splatsr.metrics.choice import choose_metrics
from trained_networks import ALEX, INCEPTION, VGG


def test_absent_networks_name_the_file_and_the_place(hub: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    choice = choose_metrics(["psnr", "lpips", "dists", "fid"])
    assert list(choice.make) == ["psnr"]
    for name, file in {"lpips": ALEX, "dists": VGG, "fid": INCEPTION}.items():
        assert file in choice.missing[name]
        assert str(hub) in choice.missing[name]
        assert choice.missing[name] in caplog.text
    assert not list(hub.iterdir()), "nothing was downloaded"


@pytest.mark.parametrize("name", ["lpips", "dists", "fid"])
def test_a_damaged_network_is_refused(hub: Path, name: str) -> None:
    for file in (ALEX, VGG, INCEPTION):
        (hub / file).write_bytes(b"half a download")
    with pytest.raises(InputError, match="is damaged"):
        choose_metrics([name])
