from pathlib import Path

import lpips
import pytest
import torch

from splatsr.errors import InputError
from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.lpips import LPIPS
from trained_networks import ALEX, pair, random_weights


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_lpips_equals_the_lpips_package(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    metric = choose_metrics(["lpips"]).make["lpips"]()
    noisy, clean = pair()
    theirs = lpips.LPIPS(net="alex", verbose=False)(noisy.float()[None], clean.float()[None], normalize=True).item()
    assert theirs > 0.001
    assert metric(noisy, clean).item() == pytest.approx(theirs, abs=1e-6)
    assert metric(clean, clean).item() == 0
    assert metric.compute().item() == pytest.approx(theirs / 2, abs=1e-6)
    with pytest.raises(InputError, match="LPIPS needs 31x31 pixels"):
        metric(clean[:, :30], clean[:, :30])


def test_networks_are_loaded_once_and_shared(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    make = choose_metrics(["psnr", "lpips"]).make
    assert make["lpips"]().network is make["lpips"]().network
    assert isinstance(make["lpips"](), LPIPS)
