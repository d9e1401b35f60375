import pytest
import torch
from torch import Tensor, nn

from splatsr.image.tiling import Tiling
from splatsr.large_images import memory
from splatsr.large_images.memory import Need, is_exhausted, largest_tile, measure

TILING = Tiling(overlap=10, multiple=1, exact=True, support=3)


class Wide(nn.Module):
    """Holds 1000 + 12 bytes per pixel at its peak, and a constant 4 MB; 12 bytes per pixel stay."""

    def forward(self, lr: Tensor) -> Tensor:
        wide = torch.zeros(250, *lr.shape[-2:])
        constant = torch.zeros(1_000_000)
        result = lr + wide[0] + constant[0]
        del wide
        return result.clone()


def test_what_a_model_holds_at_its_peak_is_counted() -> None:
    need = measure(Wide(), torch.device("cpu"))
    assert need.per_pixel == pytest.approx(1000 + 2 * 12, rel=0.02)
    assert need.fixed == pytest.approx(4e6, rel=0.02)
    assert need.kept == pytest.approx(12)


def test_the_largest_tile_fits_and_the_next_does_not() -> None:
    need = Need(fixed=1e6, per_pixel=4000, kept=128)

    def bytes_of(tile: int) -> float:
        return memory.UNSEEN * (1e6 + 4000 * (tile + 20) ** 2) + 128 * 3000 * tile

    tile = largest_tile(need, TILING, 3000, 500e6)
    assert bytes_of(tile) <= 500e6 < bytes_of(tile + memory.STEP)
    assert largest_tile(need, TILING, 3000, 1e15) == memory.LARGEST
    assert largest_tile(need, TILING, 3000, 0.0) == memory.SMALLEST
    assert largest_tile(need, TILING, 30_000, 500e6) < tile, "a wide image's rows of tiles take more"
    assert 3 * 128 * 300_000 * largest_tile(need, TILING, 300_000, 5e9) <= 5e9


def test_only_a_lack_of_memory_is_one() -> None:
    assert is_exhausted(MemoryError())
    assert is_exhausted(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_exhausted(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    assert is_exhausted(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))
    assert not is_exhausted(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_budget_is_bounded_however_much_is_free() -> None:
    assert 0 < memory.budget(torch.device("cpu")) <= memory.MOST
