"""Networks with random weights, which stand where the trained ones of LPIPS, DISTS and FID would."""

import torch
import torchvision
from skimage.data import chelsea
from torch import Tensor

from splatsr.resize.levels import to_tensor

ALEX, VGG, VGG19 = "alexnet-owt-7be5be79.pth", "vgg16-397923af.pth", "vgg19-dcbb9e9d.pth"
INCEPTION = "weights-inception-2015-12-05-6726825d.pth"


def random_weights(name: str) -> dict[str, Tensor]:
    """A whole state dict of a torchvision network; the classifier, which no metric uses, takes no memory."""
    with torch.device("meta"):
        fresh = {"init_weights": False} if name.startswith("vgg") else {}
        shapes = getattr(torchvision.models, name)(weights=None, **fresh)
    return {
        key: torch.zeros(1).expand(value.shape)
        if key.startswith("classifier")
        else torch.randn(value.shape) / max(1, value[0].numel()) ** 0.5
        for key, value in shapes.state_dict().items()
    }


def pair() -> tuple[Tensor, Tensor]:
    """(noisy, clean), 70 x 90 pixels."""
    clean = to_tensor(chelsea()[100:170, 100:190])
    return (clean + 0.1 * torch.randn_like(clean)).clamp(0, 1).double(), clean.double()
