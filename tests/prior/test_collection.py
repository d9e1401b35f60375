from pathlib import Path

import torch

from composed import settings_of
from splatsr.image.field import GaussianField
from splatsr.image_files.folder import find_images
from splatsr.prior.collection import Collection
from splatsr.prior.crops import Crop, Crops
from splatsr.prior.fits import done_chunks
from splatsr.runs.configuration import instantiate


def test_a_crop_begins_with_the_kernels_of_its_own_index(photographs: Path, tmp_path: Path) -> None:
    """So the fit does not depend on which process or chunk a crop falls to."""
    fitting = instantiate(settings_of("prior.fitting.steps=2")["prior"]["fitting"], "prior.fitting")
    images = torch.rand(3, 3, 8, 8)
    all_crops = Crops(find_images(photographs), count=3, side=8, seed=0, skip_damaged=False)
    crops = [Crop(Path("photograph.png"), 0, k) for k in range(3)]

    def collected(name: str, batch: int) -> torch.Tensor:
        task = Collection(fitting=fitting, crops=all_crops, batch=batch, folder=tmp_path / name, seed=5, workers=0)
        for index, first in enumerate(range(0, 3, batch)):
            here = slice(first, first + batch)
            assert task.predict_step({"index": index, "first": first, "crops": crops[here], "images": images[here]}, 0)
        assert not task.predict_step(None, 0)
        files = [tmp_path / name / f"{index:05d}.safetensors" for index in sorted(done_chunks(tmp_path / name))]
        return torch.cat([GaussianField.load(file).means for file in files])

    torch.testing.assert_close(collected("one", 1), collected("three", 3), atol=1e-4, rtol=0)
