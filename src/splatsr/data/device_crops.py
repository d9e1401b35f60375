"""Training crops of JPEGs that are decoded, cut and made smaller on the device that trains: the loader only reads them.

On CUDA devices by nvJPEG (torchvision's `decode_jpeg`), whose pixels need not be the processor's to the last level.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import Dataset

from splatsr.data.batch_sampler import BatchRequest, CropRequest
from splatsr.data.crops import batch_of, crop_sides, place
from splatsr.data.image_sequences import Images
from splatsr.data.sharded_images import ShardedImages
from splatsr.image_files.one_line import say_once
from splatsr.resize.pil_on_device import resize_squares


class Undecoded:
    """A batch as the loader hands it over: a JPEG's bytes or an image's pixels by photograph, and what is to be cut of them.

    (No dict, tuple or dataclass: Lightning would look for tensors in it.)
    """

    def __init__(self, photographs: Mapping[int, bytes | UInt8[np.ndarray, "h w 3"]], request: BatchRequest) -> None:
        self.photographs, self.request = photographs, request


class DeviceCrops(Dataset[Undecoded]):
    """`dataset[request]` reads a batch, `on_device` makes of it what `CropDataset` would.

    Args:
        photographs: 8-bit RGB arrays, those of `files` first.
        files: where their bytes are.
        downscales: whether LR crops are made, by the PIL rule; else LR is made of the whole batch, by data.degradation.camera.
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr", see `crops.crop_sides`.
    """

    def __init__(self, photographs: Images, files: ShardedImages, *, downscales: bool, patch: int, patch_of: str) -> None:
        self.photographs, self.files, self.downscales = photographs, files, downscales
        self.patch, self.patch_of = patch, patch_of

    def __getitem__(self, request: BatchRequest) -> Undecoded:
        numbers = dict.fromkeys(crop.photograph for crop in request.crops)
        jpegs = {number: self.files.jpeg(number) if number < len(self.files) else None for number in numbers}
        return Undecoded({number: jpeg or self.photographs[number] for number, jpeg in jpegs.items()}, request)

    def on_device(self, batch: Undecoded, device: torch.device) -> dict[str, Any]:
        """The batch as `crops.CropDataset` makes it, there.

        Raises:
            InputError: a photograph is damaged, and is not to be skipped.
        """
        photographs, request = self._decoded(batch.photographs, device), batch.request
        sides = [crop_sides(self.patch, scale, self.patch_of) for scale in request.scales]
        hr = [
            cut_on_device(photographs[crop.photograph], crop, side)
            for crop, (_, side) in zip(request.crops, sides, strict=True)
        ]
        made = batch_of(request, [image.float() / 255 for image in hr])
        if not self.downscales:
            return made | {"lr_side": sides[0][0]}
        low = [resize_squares(image[None], side) for image, (side, _) in zip(hr, sides, strict=True)]
        return made | {"lr": torch.cat(low).float() / 255}

    def _decoded(
        self, photographs: Mapping[int, bytes | UInt8[np.ndarray, "h w 3"]], device: torch.device
    ) -> dict[int, UInt8[Tensor, "3 h w"]]:
        from torchvision.io import ImageReadMode, decode_jpeg  # takes a while, and few trainings decode on the device

        jpegs = {number: content for number, content in photographs.items() if isinstance(content, bytes)}
        contents = [torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in jpegs.values()]
        try:
            made = decode_jpeg(contents, mode=ImageReadMode.RGB, device=device) if contents else []
        except RuntimeError as error:  # the processor's decoder says which of them is damaged, or takes another one
            say_once(f"the device's decoder refuses photographs, and the processor decodes them: {error}")
            made = [_to_device(self.photographs[number], device) for number in jpegs]
        others = {number: _to_device(image, device) for number, image in photographs.items() if not isinstance(image, bytes)}
        return others | dict(zip(jpegs, made, strict=True))


def cut_on_device(photograph: UInt8[Tensor, "3 h w"], crop: CropRequest, side: int) -> UInt8[Tensor, "3 side side"]:
    """As `crops.cut`."""
    size = photograph.shape[-2], photograph.shape[-1]
    corners = [place(shares, size, side) for shares in ((crop.top, crop.left), *crop.others)]
    squares = [photograph[:, top : top + side, left : left + side] for top, left in corners]
    square = squares[0] if len(squares) == 1 else squares[int(torch.stack([_detail(one) for one in squares]).argmax())]
    flips = [axis for axis, flip in ((-2, crop.flip_vertical), (-1, crop.flip_horizontal)) if flip]
    square = square.flip(flips)
    square = square.transpose(-1, -2) if crop.transpose else square
    return square[list(crop.channels)].contiguous()


def _detail(square: UInt8[Tensor, "3 side side"]) -> Tensor:
    """As `crops._detail`."""
    green = square[1].double()
    return sum((green.diff(dim=axis).abs().mean() for axis in (0, 1)), green.new_zeros(()))


def _to_device(image: UInt8[np.ndarray, "h w 3"], device: torch.device) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)
