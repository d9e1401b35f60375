"""The LightningDataModule: any folders of images to train on, any folders and known sets to test on."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import lightning
import torch
from annotated_types import Ge, Le, Len
from torch.utils.data import DataLoader

from splatsr.bounds import Ordered, ScaleFactor, Seed, Side
from splatsr.data.batch_sampler import BatchSampler
from splatsr.data.crops import CropDataset, check_crops, largest_side, smallest_side
from splatsr.data.degradation.camera import Camera
from splatsr.data.degradation.chain import Degradation, Step
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.device_crops import DeviceCrops, Undecoded
from splatsr.data.drawings import SIDE, drawing
from splatsr.data.evaluation_pairs import EvaluationPairs, LowResolution
from splatsr.data.evaluation_sets import RequestedSets, find_evaluation_sets
from splatsr.data.image_sequences import Images, Joined
from splatsr.data.known_sets import KNOWN_SETS
from splatsr.data.late_loader import LateLoader
from splatsr.data.layouts import check_tree
from splatsr.data.many_images import read_all
from splatsr.data.pairing import Reordered, pair_by_name
from splatsr.data.rank_share import BatchShare, PairShare
from splatsr.data.sharded_images import ShardedImages
from splatsr.data.shards import Shards
from splatsr.data.training_images import TrainingImages
from splatsr.data.zoom import ZoomDataset, ZoomPairs, ZoomSampler
from splatsr.errors import InputError
from splatsr.image_files.reading import image_size

ImagePaths = str | Sequence[str | Path]
"""A folder, or a list of folders and files."""


class PhotoData(lightning.LightningDataModule):
    """Random-scale crops for training, whole images for validation. Arguments are explained in conf/data/.

    Args:
        root: the folder that relative folders in `train`, `degraded` and `test` are below; None: the working directory.
        train: a folder of images, or a list of folders and files; None where nothing is trained.
        degraded: the same images with rain or the like, in folders of their own: LR crops are made from these; None: from
            `train`.
        test: a folder or the name of a known set, several of them, or named lists of files, see data.evaluation_sets.
        test_root: the folder that the known sets are below, see data.known_sets.
        degradation: steps from an HR crop to its LR image, by name and in order; or a `Camera` alone, which makes the LR images
            of a whole batch on the device that trains.
        cache: folder for decoded training images; None: every crop decodes its file.
        skip_damaged: leave out training images that cannot be read.
        decode_on: "device": JPEGs of archives are decoded, cut and made smaller where the training runs, see data.device_crops;
            or "host", by the loader.
        shards: whether `train` names archives of images, or folders of archives, see data.shards.
        scenes: whether `train` names folders of scenes, each a folder of one view at several focal lengths: pairs of these are
            the LR and HR images, see data.zoom, and there is no degradation.
        drawings: pictures made by code that are trained on beside the images (`data.drawings`).
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr".
        scale_range: least and largest training scale; of scenes the pairs in it are trained on.
        scale_distribution: of the training scales in it: "uniform", "log_uniform", or "whole", the whole numbers alone.
        scale_per: whether each "batch" has a scale, or each "crop".
        crops_per_photograph: crops that are cut from a photograph whenever it is read, one after another.
        crop_candidates: positions that are drawn for every crop; the one with most detail is taken.
        permute_colors: whether the crops' color channels change places at random.
        batch_size: crops per batch, in total over all devices, and over the parts that gradients are accumulated over.
        batches_per_epoch: batches that make an epoch.
        workers: loader processes; 0 makes crops in the training process.
        validation_scales: scales of the validation during training.
        low_resolution: how the validation's LR images are made: as the run's protocol makes them.
        licence: under which weights that are trained on it may be published, an SPDX name; None: not known.
        seed: of everything random here.

    Raises:
        InputError: a value does not fit the others, or a test set is not there.
    """

    def __init__(
        self,
        *,
        root: str | None,
        train: ImagePaths | None,
        degraded: ImagePaths | None,
        test: RequestedSets | None,
        test_root: str,
        degradation: Mapping[str, Step | Camera],
        cache: str | None,
        skip_damaged: bool,
        decode_on: Literal["host", "device"],
        shards: bool,
        scenes: bool,
        drawings: Annotated[int, Ge(0), Le(10_000)],
        patch: Side,
        patch_of: Literal["hr", "lr"],
        scale_range: Annotated[Sequence[ScaleFactor], Len(2, 2), Ordered()],
        scale_distribution: Literal["uniform", "log_uniform", "whole"],
        scale_per: Literal["batch", "crop"],
        crops_per_photograph: Annotated[int, Ge(1), Le(1024)],
        crop_candidates: Annotated[int, Ge(1), Le(64)],
        permute_colors: bool,
        batch_size: Annotated[int, Ge(1), Le(1_000_000)],
        batches_per_epoch: Annotated[int, Ge(1), Le(1_000_000_000)],
        workers: Annotated[int, Ge(0), Le(1024)],
        validation_scales: Sequence[ScaleFactor],
        low_resolution: LowResolution,
        licence: str | None,
        seed: Seed,
    ) -> None:
        super().__init__()
        self.root, self.batch_size, self.licence = root, batch_size, licence
        self.patch, self.patch_of, self.scale_per, self.scenes = patch, patch_of, scale_per, scenes
        self.scale_range = check_crops(patch, patch_of, scale_range, scale_per, whole=scale_distribution == "whole")
        self.scale_distribution, self.drawings = scale_distribution, drawings
        self.crops_per_photograph = crops_per_photograph
        self.crop_candidates, self.permute_colors = crop_candidates, permute_colors
        if drawings and degraded is not None:
            raise InputError("data.drawings have no degraded counterpart: with data.degraded set data.drawings=0.")
        if drawings and self.smallest_side > SIDE:
            raise InputError(f"data.drawings are {SIDE}x{SIDE} pixels, smaller than the training crops; set data.drawings=0.")
        self.batches_per_epoch, self.workers, self.seed = batches_per_epoch, workers, seed
        self.validation_scales, self.low_resolution = list(validation_scales), low_resolution
        self.cache, self.skip_damaged = cache, skip_damaged
        if scenes:
            others = {"shards": shards, "skip_damaged": skip_damaged, "drawings": drawings, "degraded": degraded}
            _check_scenes({**others, "degradation": degradation, "crop_candidates": crop_candidates - 1}, patch_of)
        self.degradation, self.camera = (None, None) if scenes else _on_crops_or_on_batches(degradation)
        if self.camera is not None and degraded is not None:
            raise InputError("data/degradation=camera starts from the images to train on: data.degraded must be null with it.")
        if shards and degraded is not None:
            raise InputError("data.degraded has no counterpart in archives: unpack them, or set data.degraded=null.")
        self.decode_on = decode_on
        if decode_on == "device":
            _check_decoding(degradation, shards=shards)
        self.shards = Shards(train, root=root, cache=cache, skip_damaged=skip_damaged) if shards and train is not None else None
        self._train = None if shards else self._training_images(train)
        self._degraded = self._training_images(degraded)
        tested = [folder for folder in _folders(test) if folder not in KNOWN_SETS]
        local = [folder for folder in _folders(train) if "://" not in folder and "*" not in folder]
        self._tree = [*local, *_folders(degraded), *tested]
        check_tree(root, tested, self._tree)
        self.test_sets = find_evaluation_sets(test, root=root, test_root=test_root)

    def prepare_data(self) -> None:
        """Before anything else in a training: InputError unless the folders to train on are there."""
        check_tree(self.root, self._tree, self._tree)

    def training_images(self) -> list[Path]:
        """The files to train on; InputError where there are none, or archives."""
        return [path for part in self._to_train_on().parts for path in part.paths]

    def sources(self) -> list[TrainingImages]:
        """Everything that has to be decoded: the images to train on and, where there are, the degraded ones."""
        if self.shards is not None:
            return []
        return [self._to_train_on(), *([] if self._degraded is None else [self._degraded])]

    def setup(self, stage: str) -> None:
        """Finds and opens every training image, so that whatever is wrong with one shows before the first batch.

        Raises:
            InputError: there is nothing to train on, an image cannot be read or is smaller than a crop, or the degraded images
                are not pairs of the others.
        """
        if stage != "fit" or hasattr(self, "crops"):
            return
        photographs: Images = (self.shards or self._to_train_on()).load(smallest=self.smallest_side)
        if self.drawings:
            photographs = Joined(photographs, [drawing(index) for index in range(self.drawings)])
        self.crops = self._zoomed(photographs) if self.scenes else self._cropped(photographs)
        if self.validation_scales:
            for images in self.test_sets.values():
                for image in images:
                    image_size(image.path)

    def train_dataloader(self) -> DataLoader:
        """Batches {"lr", "hr", "scale"} as `CropDataset` makes them; one request of the sampler is one batch.

        With a camera they have no "lr" before `on_after_batch_transfer`.
        """
        zoomed = self.crops.pairs if isinstance(self.crops, ZoomDataset) else None
        drawn = BatchSampler(
            photographs=len(self.crops.photographs) if zoomed is None else zoomed.scenes,
            batches=self.batches_per_epoch,
            batch_size=self.batch_size,
            scale_range=self.scale_range,
            scale_distribution=self.scale_distribution,
            scale_per=self.scale_per,
            seed=self.seed,
            candidates=self.crop_candidates,
            permute_colors=self.permute_colors,
            crops_per_photograph=self.crops_per_photograph,
        )
        sampler = drawn if zoomed is None else ZoomSampler(drawn, zoomed, scale_per=self.scale_per)
        return LateLoader(
            self.crops,
            batch_size=None,
            sampler=BatchShare(sampler, rank=self.rank, ranks=self.ranks, parts=self.parts),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """On the device: decodes a training batch that is not, and adds the LR images to one that comes without."""
        if isinstance(batch, Undecoded) and isinstance(self.crops, DeviceCrops):
            batch = self.crops.on_device(batch, self.trainer.strategy.root_device if self.trainer else torch.device("cpu"))
        if self.camera is None or not isinstance(batch, dict):
            return batch
        side = batch["lr_side"]
        return {**batch, "lr": self.camera(batch["hr"], (side, side), batch["seeds"]).to(batch["hr"][0].dtype)}

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training must find again: by their names and lengths, the images that it began with."""
        return {"images": len(self._stamps), "digest": self._digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """InputError where the images are not those that the training began with: it would end in other weights."""
        if state_dict.get("digest") != self._digest:
            raise InputError(
                f"the images to train on are not those that this training began with ({state_dict.get('images')} then, "
                f"{len(self._stamps)} now): put them back, or start anew; with checkpoint=<file> from these weights."
            )

    @cached_property
    def _stamps(self) -> list[tuple[str, int]]:
        """(Name, bytes) of every file that is trained on."""
        if self.shards is not None:
            return [(archive.name, archive.stamp[1]) for archive in self.shards.archives]
        files = [path for source in self.sources() for part in source.parts for path in part.paths]
        return [(path.name, path.stat().st_size if path.exists() else 0) for path in files]

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name, size in self._stamps:
            digest.update(os.fsencode(name) + b"/%d/" % size)
        return digest.hexdigest()

    def val_dataloader(self) -> DataLoader:
        """Every test image at every validation scale, as `Pair`; each on one process."""
        pairs = EvaluationPairs(self.test_sets, self.validation_scales, self.low_resolution)
        return DataLoader(PairShare(pairs, rank=self.rank, ranks=self.ranks), batch_size=None, num_workers=0)

    @property
    def smallest_side(self) -> int:
        """Pixels that every side of a training image must have: the largest crop's; of scenes the LR crop's."""
        if self.scenes:
            return self.patch
        return largest_side(self.patch, self.scale_range, self.patch_of)

    @property
    def smallest_crop(self) -> int:
        """Pixels that every HR crop has at least."""
        return smallest_side(self.patch, self.scale_range, self.patch_of) ** 2

    @property
    def rank(self) -> int:
        """The index of this process among the `ranks` that train together."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def ranks(self) -> int:
        """Processes that train together, one per device."""
        return self.trainer.world_size if self.trainer else 1

    @property
    def parts(self) -> int:
        """Parts in which a process takes its share of a batch, one after another (trainer.accumulate_grad_batches)."""
        return self.trainer.accumulate_grad_batches if self.trainer else 1

    def _training_images(self, paths: ImagePaths | None) -> TrainingImages | None:
        if paths is None:
            return None
        return TrainingImages(paths, root=self.root, cache=self.cache, skip_damaged=self.skip_damaged)

    def _to_train_on(self) -> TrainingImages:
        if self.shards is not None:
            raise InputError("this needs images in folders, and data.shards=true names archives: unpack some of them.")
        if self._train is None:
            raise InputError("nothing to train on: set data.train=<folder of images> (or use data=photos).")
        return self._train

    def _cropped(self, photographs: Images) -> CropDataset | DeviceCrops:
        if self.decode_on == "device":
            files = photographs.first if isinstance(photographs, Joined) else photographs
            assert isinstance(files, ShardedImages)
            downscales = self.camera is None
            return DeviceCrops(photographs, files, downscales=downscales, patch=self.patch, patch_of=self.patch_of)
        degraded = None if self._degraded is None else self._load_degraded(self._degraded, photographs)
        return CropDataset(
            photographs, degraded=degraded, degradation=self.degradation, patch=self.patch, patch_of=self.patch_of
        )

    def _zoomed(self, photographs: Images) -> ZoomDataset:
        sizes = [size for size in read_all(image_size, self.training_images()) if not isinstance(size, str)]  # all were read
        pairs = ZoomPairs(self._to_train_on().parts, sizes, scale_range=self.scale_range)
        return ZoomDataset(photographs, pairs, patch=self.patch)

    def _load_degraded(self, degraded: TrainingImages, photographs: Images) -> Images:
        """The degraded images in the order of those to train on."""
        if len(photographs) != len(self.training_images()) or self.skip_damaged:
            raise InputError("data.skip_damaged=true and data.degraded do not go together: mend or remove damaged pairs.")
        files = [path for part in degraded.parts for path in part.paths]
        partners = pair_by_name(self.training_images(), files)
        for clean, partner in zip(self.training_images(), partners, strict=True):
            if image_size(clean) != image_size(partner):
                raise InputError(f"{partner} has another size than {clean}; data.degraded holds images of equal size.")
        position = {path: index for index, path in enumerate(files)}
        return Reordered(degraded.load(smallest=self.smallest_side), [position[partner] for partner in partners])


def _check_scenes(others: Mapping[str, Any], patch_of: str) -> None:
    """InputError where data.scenes=true meets settings that are for photographs which LR images are made of."""
    if given := [name for name, value in others.items() if value]:
        raise InputError(f"data.scenes=true, whose LR images are photographs, does not go with data.{given[0]}; see data=coz.")
    if patch_of != "lr":
        raise InputError("data.scenes=true needs data.patch_of=lr: LR crops are cut, and HR crops follow.")


def _check_decoding(degradation: Mapping[str, Step | Camera], *, shards: bool) -> None:
    """InputError where data.decode_on=device meets what it cannot do."""
    if not shards:
        raise InputError("data.decode_on=device decodes files of archives (data=shards); folders have data.decode_on=host.")
    steps = list(degradation.values())
    rules = [step.rule for step in steps if isinstance(step, Downscale)]
    if not (len(steps) == 1 and (rules == ["pil"] or isinstance(steps[0], Camera))):
        raise InputError(
            f"data/degradation=[{','.join(degradation)}] works in the loader; with data.decode_on=device it is [pil] or camera."
        )


def _on_crops_or_on_batches(degradation: Mapping[str, Step | Camera]) -> tuple[Degradation | None, Camera | None]:
    """Steps for every crop, or a camera for whole batches; InputError where it is both."""
    steps = {name: step for name, step in degradation.items() if not isinstance(step, Camera)}
    cameras = [step for step in degradation.values() if isinstance(step, Camera)]
    if not cameras:
        return Degradation(steps), None
    if len(degradation) > 1:
        raise InputError(
            f"data/degradation=[{','.join(degradation)}]: camera makes LR images by itself; name it alone, or other steps."
        )
    return None, cameras[0]


def _folders(paths: ImagePaths | RequestedSets | None) -> list[str]:
    """Those of the paths that a configuration names as text."""
    if paths is None or isinstance(paths, Mapping):
        return []
    return [paths] if isinstance(paths, str) else [path for path in paths if isinstance(path, str)]
