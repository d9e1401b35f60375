"""The published ContinuousSR networks: their weights under the suite's names, and what counts as equal to them."""

import torch
from torch import Tensor

from composed import settings_of
from golden import golden_weights, read_golden
from splatsr.checkpoints.build import build
from splatsr.image.field import GaussianField
from splatsr.models.continuoussr import ContinuousSR

PUBLISHED_NAMES = {
    "encoder.edsr.": "encoder.",
    "encoder.": "encoder.",
    "conv1.": "ddcw.query.",
    "mlp_vector.layers.": "ddcw.embedding.",
    "mlp.layers.": "cgm.mlp.",
    "mlp_offset.layers.": "apd.mlp.",
}
UNUSED = ("_mean.", "encoder.conv_last.", "relative_position_index", "attn_mask")
"""Parts of published names that the suite leaves out: unused layers, and buffers that follow from the window's size."""

IMAGES = [("output", "tiles"), ("output_aniso", "tiles"), ("output_low", "tiles"), ("output_low_first256", "first256")]
"""(stored image, render mode that gives it)."""


def our_name(published_name: str) -> str:
    for theirs, ours in PUBLISHED_NAMES.items():
        if published_name.startswith(theirs):
            return ours + published_name.removeprefix(theirs)
    raise KeyError(published_name)


def our_shapes(metadata: dict) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the published network that is used, under our names."""
    return {our_name(name): tuple(shape) for name, (_, shape) in _used(metadata).items()}


def our_weights(metadata: dict) -> dict[str, Tensor]:
    """The golden weights under our names."""
    return {our_name(name): tensor for name, tensor in golden_weights({"state_dict": _used(metadata)}).items()}


def published_network(golden: str, *overrides: str) -> tuple[ContinuousSR, dict[str, Tensor], dict]:
    """(model of the composed configuration with the golden weights, golden tensors, metadata)."""
    tensors, metadata = read_golden(golden)
    model = build(settings_of("model=continuoussr", *overrides)["model"])
    model.load_state_dict(our_weights(metadata))
    return model.eval(), tensors, metadata


def assert_kernels_equal(field: GaussianField, tensors: dict[str, Tensor]) -> None:
    """Kernel parameters of the field are the stored ones, to 1e-4."""
    height, width = field.size
    corners = torch.cartesian_prod(torch.arange(2 * height) / 2, torch.arange(2 * width) / 2).flip(-1)
    torch.testing.assert_close(field.means[0] - corners, tensors["offset"], atol=1e-4, rtol=0)
    torch.testing.assert_close(field.cholesky[0] * 4, tensors["cholesky"], atol=1e-4, rtol=0)
    torch.testing.assert_close(field.colors[0], tensors["color"], atol=1e-4, rtol=0)


def assert_image_equal(field: GaussianField, tensors: dict[str, Tensor], metadata: dict, *, name: str, mode: str) -> None:
    """The rendered field is the stored image: 1e-5 for 99.9 % of the values, 1e-3 for single ones at a kernel's cut."""
    image = field.render(scale=metadata["scale"][name.removesuffix("_first256")], mode=mode)
    error = (image - tensors[name]).abs()
    assert image.shape == tensors[name].shape
    assert error.max() < 1e-3, f"{name}: {error.max()}; a kernel may cross the cut at single pixels, no more"
    assert (error < 1e-5).double().mean() >= 0.999, f"{name}: {(error >= 1e-5).sum()} of {error.numel()} values differ"


def _used(metadata: dict) -> dict:
    return {name: entry for name, entry in metadata["state_dict"].items() if not any(part in name for part in UNUSED)}
