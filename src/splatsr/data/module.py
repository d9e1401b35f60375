"""The LightningDataModule: any folders of images to train on, any folders to test on."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightning
import psutil
from torch.utils.data import DataLoader

from splatsr.data.benchmark import Benchmark
from splatsr.data.crops import BatchSampler, CropDataset, check_crops, largest_side
from splatsr.data.images import check_sizes, image_size, read_image
from splatsr.data.layouts import check_tree, images_in
from splatsr.errors import InputError
from splatsr.geometry import Number


class PhotoData(lightning.LightningDataModule):
    """Random-scale crops for training, whole images for validation. Arguments are explained in conf/data/.

    Args:
        root: the folder that relative folders in `train` and `test` lie below; None: the working directory.
        train: a folder of images, or a list of folders and files; None where nothing is trained.
        test: a folder, several folders, or named lists of files. A folder's name is the set's name.
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr".
        scale_range: training scales are uniform in it.
        scale_per: whether each "batch" has a scale, or each "crop".
        batch_size: crops per batch.
        batches_per_epoch: batches that make an epoch.
        workers: loader processes; 0 makes crops in the training process.
        validation_scales: scales of the validation during training.
        seed: of everything random here.
    """

    def __init__(
        self,
        *,
        root: str | None,
        train: str | Sequence[str | Path] | None,
        test: str | Sequence[str] | Mapping[str, Sequence[Path]] | None,
        patch: int,
        patch_of: str,
        scale_range: Sequence[Number],
        scale_per: str,
        batch_size: int,
        batches_per_epoch: int,
        workers: int,
        validation_scales: Sequence[Number],
        seed: int,
    ) -> None:
        super().__init__()
        self.root, self.train, self.batch_size = root, train, batch_size
        self.patch, self.patch_of, self.scale_per = patch, patch_of, scale_per
        self.scale_range = check_crops(patch, patch_of, scale_range, scale_per)
        self.batches_per_epoch, self.workers, self.seed = batches_per_epoch, workers, seed
        self.validation_scales = list(validation_scales)
        self._tree = [*_folders(train), *_folders(test)]
        check_tree(root, _folders(test), self._tree)
        self.test_sets = _test_sets(test, root)

    def prepare_data(self) -> None:
        """Before anything else in a training: InputError unless the folders to train on are there."""
        check_tree(self.root, self._tree, self._tree)

    def training_images(self) -> list[Path]:
        """The files to train on; InputError where there are none."""
        if self.train is None:
            raise InputError("nothing to train on: set data.train=<folder of images> (or use data=photos).")
        return images_in(self.train, self.root)

    def setup(self, stage: str) -> None:
        """Finds, checks and decodes every training image, so that whatever is wrong with one shows before the first batch."""
        if stage != "fit" or hasattr(self, "crops"):
            return
        paths = self.training_images()
        check_sizes(paths, largest_side(self.patch, self.scale_range, self.patch_of))
        _check_memory(paths)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.crops = CropDataset(list(pool.map(read_image, paths)), patch=self.patch, patch_of=self.patch_of)
        if self.validation_scales:
            for paths in self.test_sets.values():
                list(map(image_size, paths))

    def train_dataloader(self) -> DataLoader:
        """Batches {"lr", "hr", "scale"}; one request of the sampler is one batch."""
        sampler = BatchSampler(
            photographs=len(self.crops.photographs),
            batches=self.batches_per_epoch,
            batch_size=self.batch_size,
            scale_range=self.scale_range,
            scale_per=self.scale_per,
            seed=self.seed,
        )
        return DataLoader(
            self.crops,
            batch_size=None,
            sampler=sampler,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader:
        """Every test image at every validation scale, as `Pair`."""
        return DataLoader(Benchmark(self.test_sets, self.validation_scales), batch_size=None, num_workers=0)


def _folders(places: str | Sequence[str | Path] | Mapping[str, Sequence[Path]] | None) -> list[str]:
    """Those of the places that a configuration names as text."""
    if places is None or isinstance(places, Mapping):
        return []
    return [places] if isinstance(places, str) else [place for place in places if isinstance(place, str)]


def _test_sets(test: str | Sequence[str] | Mapping[str, Sequence[Path]] | None, root: str | None) -> dict[str, list[Path]]:
    if isinstance(test, Mapping):
        return {name: list(paths) for name, paths in test.items()}
    folders = _folders(test)
    sets = {Path(root or "", folder).resolve().name: images_in(folder, root) for folder in folders}
    if len(sets) < len(folders):
        raise InputError(f"data.test names two folders alike ({', '.join(folders)}): results could not be told apart.")
    return sets


def _check_memory(paths: Sequence[Path]) -> None:
    needed = sum(3 * height * width for height, width in map(image_size, paths))
    available = psutil.virtual_memory().available
    if needed > 0.8 * available:
        raise InputError(
            f"{len(paths)} training images decode to {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB of memory "
            "are free: use fewer images or a larger machine."
        )
