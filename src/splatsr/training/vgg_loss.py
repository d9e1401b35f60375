"""LINF's second loss for patches: L1 of the image in the middle, and how far a sample of it is in the features of VGG19."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from splatsr.bounds import NonNegative
from splatsr.checkpoints.files import read_pickle
from splatsr.errors import InputError
from splatsr.metrics.backbone import AbsentWeightsError, find_weights
from splatsr.training.losses import compared_pixels
from splatsr.training.supervision import OnWindowsOfASample, Supervision

SMALLEST = 16
"""Pixels that four poolings leave something of."""

_LAYERS = 35
"""Of VGG19, up to conv5_4, before its ReLU."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, RGB."""


class L1WithVGG(nn.Module):
    """L1 of the first half of a batch + weight * L1 between VGG19's features (conv5_4) of the second half and of its target.

    LINF's code, second stage on RRDB (Yao et al. 2023). The network is no part of the loss's own weights: checkpoints do not
    hold it, and nothing trains it.

    Args:
        weight: of the features, at least 0.

    Raises:
        InputError: torchvision's VGG19 is not on this machine.
    """

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        self.weight = weight
        try:
            self._network = (load_vgg19().requires_grad_(False),)  # in a tuple, or it would be a submodule
        except AbsentWeightsError as absent:
            raise InputError(f"loss=nll_then_l1_vgg: {absent}; or use loss=nll_then_l1.") from absent

    def check(self, supervision: Supervision, pixels: int) -> None:
        """InputError where there is no sample to look at, or windows are too small for the network."""
        if not isinstance(supervision, OnWindowsOfASample):
            raise InputError("L1WithVGG compares a sample; use supervision=likelihood_then_sampled_windows.")
        if compared_pixels(supervision, pixels, "nll_then_l1_vgg") < SMALLEST**2:
            raise InputError(f"VGG19 needs windows of {SMALLEST}x{SMALLEST} pixels; supervision's side is {supervision.side}.")

    def forward(self, prediction: Float[Tensor, "b2 3 h w"], target: Float[Tensor, "b2 3 h w"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped; features in float32. See `OnWindowsOfASample`."""
        (middle, sample), (of_middle, of_sample) = prediction.chunk(2), target.chunk(2)
        with torch.autocast(prediction.device.type, enabled=False):
            distance = l1_loss(self._features(sample.float()), self._features(of_sample.float()))
        return l1_loss(middle, of_middle) + self.weight * distance

    def _features(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 512 _ _"]:
        mean, deviation = (rgb.new_tensor(of_rgb)[:, None, None] for of_rgb in (_MEAN, _DEVIATION))
        features: Tensor = self._network[0].to(rgb.device)((rgb - mean) / deviation)
        return features


def load_vgg19() -> nn.Module:
    """Its layers to conv5_4; AbsentWeightsError without torchvision's VGG19."""
    from torchvision.models import VGG19_Weights, vgg19

    path = find_weights(VGG19_Weights.DEFAULT.url)
    state = {name.removeprefix("features."): tensor for name, tensor in read_pickle(path).items()}
    with torch.device("meta"):  # its classifier alone has 124 M weights
        network: nn.Module = vgg19(init_weights=False).features[:_LAYERS]
    wanted = network.state_dict()
    if any(name not in state or state[name].shape != tensor.shape for name, tensor in wanted.items()):
        raise InputError(f"{path} does not hold the weights of torchvision's VGG19.")
    network.load_state_dict({name: state[name].float() for name in wanted}, assign=True)
    return network.eval()
