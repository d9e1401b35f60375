"""An LR image of any size to its output in strips, in bounded memory: encoded in tiles, rendered row by row.

    lr ──▶ tile, tile, tile ──▶ band of the field ──▶ strip ──▶ ...
           tile, tile, tile ──▶ band of the field ──▶ strip ──▶ ...

A row of tiles, a band, is encoded, every tile together with its overlap, and what belongs to the tiles themselves is joined to
what is left of the rows above. Then come the output rows to which no later band contributes; of the field only the rows are
kept that the next strips need (`encoded_rows`). There are no seams to hide: the joined field is that of the whole image where
the overlap covers what the encoder sees (`Tiling.exact`), and a strip sums the same kernels in the same order as the whole
output does.
"""

import functools
import gc
import logging
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.checkpoints.choice import device_of
from splatsr.errors import InputError
from splatsr.geometry import Output, Strip
from splatsr.image.continuous_image import ContinuousImage, QueryableImage, StripImage
from splatsr.image.field import GaussianField
from splatsr.image.finite import check_image, check_rendered
from splatsr.image.model import Model
from splatsr.image.precision import has_bfloat16
from splatsr.image.tiling import Span, Tiling, counted_from, cut, seen
from splatsr.large_images import memory
from splatsr.large_images.encoded_rows import EncodedRows
from splatsr.large_images.half_precision import precision_for
from splatsr.large_images.strip_rows import strip_rows
from splatsr.resize.levels import Levels, to_levels, to_tensor

log = logging.getLogger(__name__)

SMALL = 128**2
"""LR pixels below which an image is simply encoded as a whole."""


class Renderer:
    """Renders images with one model, in tiles where it is worth it.

    Args:
        model: in eval mode.
        tile: side of a tile in LR pixels, without its overlap; "auto": the largest that fits in memory.
        automatic: whether the model's precision is chosen for every image (`half_precision`); otherwise it stays.
    """

    def __init__(self, model: Model, tile: Any, *, automatic: bool = False) -> None:
        if tile != "auto" and (not isinstance(tile, int) or isinstance(tile, bool) or tile < 1):
            raise InputError(f"tile must be auto, or a whole number of at least 1 LR pixel; got {tile!r}.")
        self.model, self.tile, self.automatic = model, tile, automatic
        self.device = device_of(model)
        self.tiling = model.tiling
        self._needs: dict[tuple[float, float] | None, memory.Need] = {}  # by the scale of outputs that come whole

    def in_strips(self, lr_size: tuple[int, int]) -> bool:
        """Whether the output of an LR image comes in strips; otherwise a whole one has to fit in memory."""
        is_one_piece = self.model.piece is None or max(lr_size) <= self.model.piece
        return is_one_piece and isinstance(self._of_a_pixel, StripImage)

    def least_memory(self, lr_size: tuple[int, int], output: Output) -> float:
        """Bytes that the networks take at least on a CPU, of an LR image that they see as a whole: measured on small ones.

        0 where that is not worth it, on a GPU, which says itself that its memory has run out, and where it is bounded.
        """
        in_strips = self.in_strips(lr_size)
        seen = math.prod(lr_size if in_strips else output.size)
        is_bounded = self.tiling is not None or self.model.piece is not None or not self.model.has_weights
        if is_bounded or self.device.type != "cpu" or seen < memory.WORTH_MEASURING:
            return 0.0
        scale = None if in_strips else output.scale
        if scale not in self._needs:
            self._needs[scale] = memory.measure_whole(self.model, self.device, scale)
        need = self._needs[scale]
        found = need.fixed + need.per_pixel * math.prod(lr_size)
        return found / 2 if self.automatic and has_bfloat16(self.device) else found

    @cached_property
    def makes_fields(self) -> bool:
        """Whether its images are kernels, which can be kept."""
        return isinstance(self._of_a_pixel, GaussianField)

    @cached_property
    def _of_a_pixel(self) -> ContinuousImage:
        return self._encode(np.zeros((1, 1, 3), np.uint8))

    def strips(self, lr: Levels, output: Output, progress: Callable[[float], None]) -> Iterator[Levels]:
        """The output from top to bottom, in rows of the kind that comes in: 8 or 16 bits, grey or RGB.

        `progress` is called with the share that is done: half of it is the part of the LR image that is encoded, half the
        part of the output that is rendered; of images that are decoded pixel by pixel LR and output pixels count alike.

        Raises:
            InputError: not even the smallest tile fits in memory; or, while it goes on, something is not finite.
        """
        if self.automatic:
            self.model.precision = precision_for(self.model, lr, self.device)
        lr_size, margin = lr.shape[:2], self.margin
        lr = self._continued(lr)
        tile = self._side(lr.shape[:2])
        if self.tiling is None:
            if max(lr.shape[:2]) > tile and self.model.has_weights:
                log.info("%s does not work in tiles: the image is encoded as a whole", type(self.model).__name__)
            pixels = math.prod(lr_size), math.prod(output.size)
            is_decoded = isinstance(self._of_a_pixel, QueryableImage)
            return self._whole(lr, output, _Share(progress, encoding=pixels[0] / sum(pixels) if is_decoded else 0.5))
        share = _Share(progress)
        return self._in_tiles(
            lr, EncodedRows(output, lr_size, self.tiling.support, margin), self._bands(lr, tile, share), share
        )

    def bands(self, lr: Levels, progress: Callable[[float], None]) -> Iterator[Any]:
        """The image itself instead of its output: of the rows of the continued image (`margin`), from top to bottom; of a model
        without tiling the whole image at once.

        `progress` is called with the share that is encoded.

        Raises:
            InputError: as `strips`.
        """
        if self.automatic:
            self.model.precision = precision_for(self.model, lr, self.device)
        if self.tiling is None:
            return iter([self._encode(lr)])
        lr = self._continued(lr)
        return self._bands(lr, self._side(lr.shape[:2]), _Share(lambda half: progress(2 * half)))

    @property
    def margin(self) -> int:
        """LR pixels by which images are continued here, and not by the model: where it works in tiles."""
        return 0 if self.tiling is None else self.model.margin

    def _continued(self, lr: Levels) -> Levels:
        margin = self.margin
        if not margin:
            return lr
        return np.pad(lr, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")  # as `image.border` does

    def _side(self, lr_size: tuple[int, int]) -> int:
        if self.tile != "auto":
            return self.tile
        if self.tiling is None or math.prod(lr_size) <= SMALL:
            return memory.LARGEST
        available = memory.budget(self.device)
        tile = memory.largest_tile(self._least_need, self.tiling, lr_size[1], available)
        return tile if tile >= max(lr_size) else memory.largest_tile(self._need, self.tiling, lr_size[1], available)

    @property
    def _cutting(self) -> Tiling:
        """The model's tiling, where it has one."""
        assert self.tiling is not None
        return self.tiling

    @cached_property
    def _least_need(self) -> memory.Need:
        return memory.measure(self.model, self.device, memory.QUICK_PROBES)

    @cached_property
    def _need(self) -> memory.Need:
        return memory.measure(self.model, self.device)

    def _whole(self, lr: Levels, output: Output, share: "_Share") -> Iterator[Levels]:
        image = self._encode(lr)
        share.encoded(1.0)
        if isinstance(image, StripImage):
            for rows in strip_rows(0, output.size):
                strip = Strip(output, image.size, rows, origin=0)
                yield self._rendered(functools.partial(image.render_strip, strip), lr)
                share.rendered(rows[1] / output.size[0])
        else:
            yield self._rendered(functools.partial(image.render, scale=output.scale), lr)
            share.rendered(1.0)

    def _in_tiles(self, lr: Levels, encoded: EncodedRows, bands: Iterator[Any], share: "_Share") -> Iterator[Levels]:
        output, done = encoded.output, 0  # rows of it
        for band in bands:
            encoded.append(band)
            for rows in strip_rows(done, (encoded.ready, output.size[1])):
                part, strip = encoded.strip(rows)
                yield self._rendered(functools.partial(part.render_strip, strip), lr)
                share.rendered(rows[1] / output.size[0])
            done = max(done, encoded.ready)
            encoded.drop(done)

    def _bands(self, lr: Levels, tile: int, share: "_Share") -> Iterator[Any]:
        """The fields of rows of tiles, from top to bottom."""
        tile, end = min(tile, max(lr.shape[:2])), 0
        if max(lr.shape[:2]) > tile and not self._cutting.exact:
            log.info(
                "tiles of %d LR pixels: %s looks further than their overlap of %d, levels differ slightly from a whole image's",
                tile, type(self.model.encoder).__name__, self._cutting.overlap,
            )  # fmt: skip
        while end < lr.shape[0]:
            band, tile = self._next_band(lr, end, tile, share)
            end += band.size[0]
            yield band

    def _next_band(self, lr: Levels, top: int, tile: int, share: "_Share") -> tuple[Any, int]:
        """(the field of a row of tiles that begins at LR row `top`, the side of tiles that memory was enough for)."""
        while True:
            rows = cut((top, lr.shape[0]), tile=tile, multiple=self._cutting.multiple)[0]
            band = self._try_band(lr, rows, tile, share)
            if band is not None:
                return band, tile
            tile = self._halved(tile)

    def _try_band(self, lr: Levels, rows: Span, tile: int, share: "_Share") -> Any:
        """The field of those rows of the LR image, or None where memory has run out."""
        try:
            height, width = lr.shape[:2]
            tiles = []
            for columns in cut((0, width), tile=tile, multiple=self._cutting.multiple):
                (top, bottom), (left, right) = seen(rows, height, self._cutting), seen(columns, width, self._cutting)
                around = lr[top:bottom, left:right]
                tiles.append(self._encode_part(around, counted_from(top, rows), counted_from(left, columns)))
                share.encoded((rows[0] * width + (rows[1] - rows[0]) * columns[1]) / (height * width))
            return tiles[0].join([tiles])
        except (MemoryError, RuntimeError) as error:
            if not memory.is_exhausted(error):
                raise
        return None

    def _halved(self, tile: int) -> int:
        if tile <= max(memory.SMALLEST, self._cutting.multiple):
            raise InputError(
                f"out of memory with tiles of {tile} LR pixels, the smallest: close other programs, or set device=cpu."
            )
        smaller = max(tile // 2, memory.SMALLEST, self._cutting.multiple)
        log.warning("out of memory with tiles of %d LR pixels: going on with %d", tile, smaller)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return smaller

    @torch.inference_mode()
    def _encode(self, lr: Levels) -> ContinuousImage:
        image = self.model(to_tensor(lr)[None].to(self.device))
        check_image(image, self.model)
        return image

    @torch.inference_mode()
    def _encode_part(self, lr: Levels, rows: Span, columns: Span) -> Any:
        part = self.model.part(to_tensor(lr)[None].to(self.device), rows=rows, columns=columns)
        check_image(part, self.model)
        return part

    @torch.inference_mode()
    def _rendered(self, render: Callable[[], Float[Tensor, "1 3 rows width"]], like: Levels) -> Levels:
        rows = render()[0]
        check_rendered(rows, self.model)
        return to_levels(rows, like)


class _Share:
    """What is done of an image: tells the mean of the parts that are encoded and rendered.

    Args:
        tell: called with it.
        encoding: the weight of the part that is encoded.
    """

    def __init__(self, tell: Callable[[float], None], encoding: float = 0.5) -> None:
        self._tell, self._encoding, self._encoded, self._rendered = tell, encoding, 0.0, 0.0

    def encoded(self, share: float) -> None:
        self._encoded = share
        self._tell_mean()

    def rendered(self, share: float) -> None:
        self._rendered = share
        self._tell_mean()

    def _tell_mean(self) -> None:
        self._tell(self._encoding * self._encoded + (1 - self._encoding) * self._rendered)
