from pathlib import Path

import pytest
import torch
import yaml

from composed import settings_of
from splatsr.errors import InputError
from splatsr.heads.dictionary import file_dictionary
from splatsr.image.field import GaussianField
from splatsr.jobs.dictionary import dictionary
from splatsr.prior.crops import Crop
from splatsr.prior.fits import save_chunk

PRIOR = settings_of("prior.crops=2", "prior.batch=2", "prior.side=8", "prior.kernels=all", "prior/dictionary=sampled")


@pytest.fixture
def fitted(tmp_path: Path) -> Path:
    """A run of job=fit_prior with two crops of five kernels."""
    field = GaussianField(8 * torch.rand(2, 5, 2), torch.rand(2, 5, 3) + 0.1, torch.zeros(2, 5, 3), (8, 8), reference_scale=1)
    crops = [Crop(Path("photograph.png"), 0, k) for k in range(2)]
    run = tmp_path / "run"
    save_chunk(run / "fields", 0, first=0, crops=crops, field=field, psnr=torch.tensor([30.0, 31.0]), seconds=1.0)
    (run / "config.yaml").write_text(yaml.safe_dump(PRIOR))
    return run


def test_a_dictionary_is_made_of_fitted_kernels_and_never_overwritten(fitted: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "rows.safetensors")
    prior = settings_of("prior.kernels=all", "prior/dictionary=sampled", "prior.dictionary.rows=6")["prior"]
    dictionary(prior=prior, input=str(fitted), output=file)
    assert file_dictionary(file=file).shape[1] == 3
    with pytest.raises(InputError, match="exists already; nothing is overwritten"):
        dictionary(prior=prior, input=str(fitted), output=file)


def test_what_is_missing_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs input="):
        dictionary(prior=PRIOR["prior"], input=None, output="rows.safetensors")
    with pytest.raises(InputError, match="output must end in .safetensors"):
        dictionary(prior=PRIOR["prior"], input=str(tmp_path), output="rows.txt")
    with pytest.raises(InputError, match="is not a run of job=fit_prior"):
        dictionary(prior=PRIOR["prior"], input=str(tmp_path), output=str(tmp_path / "rows.safetensors"))
