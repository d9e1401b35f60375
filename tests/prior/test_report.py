from pathlib import Path

import torch

from composed import settings_of
from splatsr.image.field import GaussianField
from splatsr.prior.crops import Crop
from splatsr.prior.fits import Fits, save_chunk
from splatsr.prior.report import markdown, summarise
from splatsr.runs.configuration import instantiate


def test_figures_are_those_of_the_saved_crops_and_tables_show_them(tmp_path: Path) -> None:
    field = GaussianField(torch.rand(2, 5, 2), torch.rand(2, 5, 3) + 0.1, torch.zeros(2, 5, 3), (8, 8), reference_scale=1)
    crops = [Crop(Path("photograph.png"), 0, 8 * k) for k in range(2)]
    save_chunk(tmp_path / "fields", 0, first=0, crops=crops, field=field, psnr=torch.tensor([30.0, 33.0]), seconds=90.0)
    prior = instantiate(settings_of("prior.crops=2", "prior.side=8", "prior.batch=2")["prior"], "prior")
    fits = Fits(tmp_path, crops=2, batch=2)
    results = summarise(fits, fits.pooled("all"), prior)
    assert (results["crops"], results["kernels"], results["process_seconds"]) == (2, 10, 90.0)
    assert results["psnr"] == {"mean": 31.5, "deviation": 1.5, "lowest": 30.0, "highest": 33.0}
    assert results["protocol"].startswith("2 crops of 8x8 pixels, 0.25 kernels per pixel, cholesky, ")
    text = markdown(results)
    assert "PSNR 31.50 dB (RGB, mean of 2 crops; deviation 1.50, lowest 30.00, highest 33.00). 10 kernels" in text
    row = next(line for line in text.splitlines() if line.startswith("| l11 "))
    assert row.rstrip("| ").endswith("0 to 2.4"), "the paper's range stands beside ours"
