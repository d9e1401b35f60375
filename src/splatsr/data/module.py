"""The LightningDataModule: any folders of images to train on, any folders and benchmarks to test on."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import lightning
import numpy as np
from torch.utils.data import DataLoader

from splatsr.data.crops import BatchSampler, CropDataset, check_crops, largest_side
from splatsr.data.degradation.chain import Degradation, Step
from splatsr.data.evaluation_pairs import Benchmark, BenchmarkImage, LowResolution, TestSets, without_lr
from splatsr.data.images import image_size
from splatsr.data.known_sets import PAIRED_ONLY, PLACES, expected_lr, find_set, missing
from splatsr.data.layouts import check_tree, images_in
from splatsr.data.pairing import Reordered, pair_by_name
from splatsr.data.rank_share import BatchShare, PairShare
from splatsr.data.training_images import TrainingImages
from splatsr.errors import InputError
from splatsr.geometry import Number

Places = str | Sequence[str | Path]
"""A folder, or a list of folders and files."""


class PhotoData(lightning.LightningDataModule):
    """Random-scale crops for training, whole images for validation. Arguments are explained in conf/data/.

    Args:
        root: the folder that relative folders in `train`, `degraded` and `test` lie below; None: the working directory.
        train: a folder of images, or a list of folders and files; None where nothing is trained.
        degraded: the same images spoiled (rain), in folders of their own: LR crops are made from these; None: from `train`.
        test: a folder or the name of a benchmark, several of them, or named lists of files. A folder's name is the set's name.
        benchmarks: the folder that holds the benchmarks, see data.known_sets.
        degradation: steps from an HR crop to its LR image, by name and in order.
        cache: folder for decoded training images; None: every crop decodes its file.
        skip_damaged: leave out training images that cannot be read.
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr".
        scale_range: training scales are uniform in it.
        whole_scales: training scales are the whole numbers in it.
        scale_per: whether each "batch" has a scale, or each "crop".
        batch_size: crops per batch, in total over all devices.
        batches_per_epoch: batches that make an epoch.
        workers: loader processes; 0 makes crops in the training process.
        validation_scales: scales of the validation during training.
        low_resolution: how the validation's LR images are made: as the run's protocol makes them.
        seed: of everything random here.
    """

    def __init__(
        self,
        *,
        root: str | None,
        train: Places | None,
        degraded: Places | None,
        test: str | Sequence[str] | Mapping[str, Sequence[Path]] | None,
        benchmarks: str,
        degradation: Mapping[str, Step],
        cache: str | None,
        skip_damaged: bool,
        patch: int,
        patch_of: str,
        scale_range: Sequence[Number],
        whole_scales: bool,
        scale_per: str,
        batch_size: int,
        batches_per_epoch: int,
        workers: int,
        validation_scales: Sequence[Number],
        low_resolution: LowResolution,
        seed: int,
    ) -> None:
        super().__init__()
        self.root, self.train, self.degraded, self.batch_size = root, train, degraded, batch_size
        self.patch, self.patch_of, self.scale_per = patch, patch_of, scale_per
        self.scale_range = check_crops(patch, patch_of, scale_range, scale_per, whole_scales=whole_scales)
        self.whole_scales = whole_scales
        self.batches_per_epoch, self.workers, self.seed = batches_per_epoch, workers, seed
        self.validation_scales, self.low_resolution = list(validation_scales), low_resolution
        self.degradation, self.cache, self.skip_damaged = Degradation(degradation), cache, skip_damaged
        self.benchmarks = benchmarks
        self.images = self._training_images(train)
        self.spoiled = self._training_images(degraded)
        tested = [place for place in _folders(test) if place not in PLACES]
        self._tree = [*_folders(train), *_folders(degraded), *tested]
        check_tree(root, tested, self._tree)
        self.test_sets = self._test_sets(test)

    def prepare_data(self) -> None:
        """Before anything else in a training: InputError unless the folders to train on are there."""
        check_tree(self.root, self._tree, self._tree)

    def training_images(self) -> list[Path]:
        """The files to train on; InputError where there are none."""
        return [path for part in self._to_train_on().parts for path in part.paths]

    def sources(self) -> list[TrainingImages]:
        """Everything that has to be decoded: the images to train on and, where there are, the spoiled ones."""
        return [self._to_train_on(), *([] if self.spoiled is None else [self.spoiled])]

    def setup(self, stage: str) -> None:
        """Finds and opens every training image, so that whatever is wrong with one shows before the first batch."""
        if stage != "fit" or hasattr(self, "crops"):
            return
        photographs = self._to_train_on().load(smallest=self.smallest_side)
        spoiled = None if self.spoiled is None else self._load_spoiled(photographs)
        self.crops = CropDataset(
            photographs, spoiled=spoiled, degradation=self.degradation, patch=self.patch, patch_of=self.patch_of
        )
        if self.validation_scales:
            for images in self.test_sets.values():
                for image in images:
                    image_size(image.path)

    def train_dataloader(self) -> DataLoader:
        """Batches {"lr", "hr", "scale"}; one request of the sampler is one batch."""
        sampler = BatchSampler(
            photographs=len(self.crops.photographs),
            batches=self.batches_per_epoch,
            batch_size=self.batch_size,
            scale_range=self.scale_range,
            whole_scales=self.whole_scales,
            scale_per=self.scale_per,
            seed=self.seed,
        )
        return DataLoader(
            self.crops,
            batch_size=None,
            sampler=BatchShare(sampler, rank=self.rank, ranks=self.ranks),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader:
        """Every test image at every validation scale, as `Pair`; each on one process."""
        pairs = Benchmark(self.test_sets, self.validation_scales, self.low_resolution)
        return DataLoader(PairShare(pairs, rank=self.rank, ranks=self.ranks), batch_size=None, num_workers=0)

    @property
    def smallest_side(self) -> int:
        """Pixels that every side of a training image must have: the largest crop's."""
        return largest_side(self.patch, self.scale_range, self.patch_of)

    @property
    def rank(self) -> int:
        """The number of this process among the `ranks` that train together."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def ranks(self) -> int:
        """Processes that train together, one per device."""
        return self.trainer.world_size if self.trainer else 1

    def _training_images(self, places: Places | None) -> TrainingImages | None:
        if places is None:
            return None
        return TrainingImages(places, root=self.root, cache=self.cache, skip_damaged=self.skip_damaged)

    def _to_train_on(self) -> TrainingImages:
        if self.images is None:
            raise InputError("nothing to train on: set data.train=<folder of images> (or use data=photos).")
        return self.images

    def _load_spoiled(self, photographs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The spoiled images in the order of those to train on."""
        if len(photographs) != len(self.training_images()) or self.skip_damaged:
            raise InputError("data.skip_damaged=true and data.degraded do not go together: mend or remove damaged pairs.")
        files = [path for part in self.spoiled.parts for path in part.paths]
        pairs = list(zip(self.training_images(), pair_by_name(self.training_images(), files), strict=True))
        for clean, spoiled in pairs:
            if image_size(clean) != image_size(spoiled):
                raise InputError(f"{spoiled} has another size than {clean}; data.degraded holds images of equal size.")
        position = {path: number for number, path in enumerate(files)}
        return Reordered(self.spoiled.load(smallest=self.smallest_side), [position[spoiled] for _, spoiled in pairs])

    def _test_sets(self, test: str | Sequence[str] | Mapping[str, Sequence[Path]] | None) -> TestSets:
        if isinstance(test, Mapping):
            return {name: without_lr(paths) for name, paths in test.items()}
        sets: TestSets = {}
        for place in _folders(test):
            benchmark = place in PLACES  # a folder of that name is ./set5
            name = place if benchmark else Path(self.root or "", place).resolve().name
            if name in sets:
                raise InputError(f"data.test names two folders alike ({name}): results could not be told apart.")
            sets[name] = self._benchmark(name) if benchmark else without_lr(self._images_of(place))
        return sets

    def _images_of(self, place: str) -> list[Path]:
        near = difflib.get_close_matches(place, PLACES, n=1, cutoff=0.75)
        if near and not Path(self.root or "", place).exists():
            raise InputError(f"there is neither a benchmark {place!r} (did you mean {near[0]}?) nor such a folder.")
        return images_in(place, self.root)

    def _benchmark(self, name: str) -> list[BenchmarkImage]:
        found = find_set(name, Path(self.benchmarks))
        if found is None:
            raise InputError(missing(name, Path(self.benchmarks)))
        paired = name in PAIRED_ONLY
        if paired and not found.scales:
            raise InputError(
                f"{name} is in {found.folder} without LR files; expected {expected_lr(name, Path(self.benchmarks))}."
            )
        pairs = zip(found.images, found.given, strict=True)
        return [BenchmarkImage(path, given, paired=paired, zoomed=name == "coz") for path, given in pairs]


def _folders(places: Places | Mapping[str, Sequence[Path]] | None) -> list[str]:
    """Those of the places that a configuration names as text."""
    if places is None or isinstance(places, Mapping):
        return []
    return [places] if isinstance(places, str) else [place for place in places if isinstance(place, str)]
