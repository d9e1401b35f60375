"""The LIIF family's networks: files in their published format, written from the goldens' weights, opened by the suite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import splatsr
from golden import golden_weights, read_golden
from splatsr.encoders.encoder import Encoder


def published_content(golden: str, name: str) -> dict[str, Any]:
    """What the authors' training saves: the model, an optimizer and an epoch."""
    tensors, metadata = read_golden(golden)
    stored = {weight: tensors[f"override.{weight}"] for weight in metadata.get("overrides", [])}
    model = {
        "name": name,
        "args": metadata["hyperparameters"].get("spec", metadata["hyperparameters"]),
        "sd": {**golden_weights(metadata), **stored},
    }
    return {"model": model, "optimizer": {"name": "adam", "args": {"lr": 1e-4}, "sd": {}}, "epoch": 1000}


def diinns_content(golden: str) -> dict[str, Any]:
    """What DIINN's training saves: the network and its normalisation within a Lightning module."""
    metadata = read_golden(golden)[1]
    weights = {f"net.{name}": tensor for name, tensor in golden_weights(metadata).items()}
    normalisation = {name: torch.full((1, 1, 1, 1), 0.5) for name in ("sub", "div")}
    settings = {"arch": "diinn", "lr": 1e-4, "lr_gamma": 0.5, "lr_step": 10, "eval_bsize": 30000, **metadata["hyperparameters"]}
    lightning = {"epoch": 49, "global_step": 50000, "pytorch-lightning_version": "1.6.5", "optimizer_states": [{}]}
    return {**lightning, "state_dict": {**normalisation, **weights}, "hyper_parameters": settings}


def ciaosrs_content(golden: str, prefix: str = "generator.") -> dict[str, Any]:
    """What CiaoSR's training with MMEditing saves."""
    weights = golden_weights(read_golden(golden)[1])
    return {
        "meta": {"env_info": "sys.platform: linux", "mmedit_version": "0.11.0", "iter": 1000000},
        "state_dict": {f"{prefix}{name}": tensor for name, tensor in weights.items()},
    }


def load_published(golden: str, name: str, folder: Path) -> nn.Module:
    """The model that `splatsr.load` makes of such a file."""
    others = {"diinn": diinns_content, "ciaosr": ciaosrs_content}
    content = others[name](golden) if name in others else published_content(golden, name)
    torch.save(content, folder / "epoch-last.pth")
    return splatsr.load(folder / "epoch-last.pth")


@torch.inference_mode()
def image_and_golden(model: nn.Module, golden: str) -> tuple[Tensor, Tensor]:
    """(our image, the published one), in the networks' range; inputs are stored in it, or say that they are in [0, 1]."""
    tensors, metadata = read_golden(golden)
    is_rgb = "network input is (input-0.5)/0.5" in metadata.get("notes", "")
    lr = tensors["input"] if is_rgb else tensors["input"] / 2 + 0.5
    return 2 * model(lr).render(size=tensors["output"].shape[-2:]) - 1, tensors["output"]


class StoredFeatures(Encoder):
    """The golden's features instead of an encoder: what is left is the decoder's own error."""

    upscale = 1

    def __init__(self, golden: str) -> None:
        super().__init__()
        tensors = read_golden(golden)[0]
        self.features = tensors["feat" if "feat" in tensors else "encoder_feat"]

    def forward(self, _: Tensor) -> Tensor:
        return self.features


def assert_is_its_definition(model: nn.Module, by_definition: Callable[..., Tensor]) -> None:
    """Values at random points and the gradients of all parameters, in float64 (pixels' centres are float32 in ours)."""
    lr = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    coordinates, cell = torch.rand(2, 40, 2, dtype=torch.float64) * 2 - 1, torch.tensor([[0.1, 0.2], [0.3, 0.05]]).double()
    ours, theirs = model(lr).query(coordinates, cell), by_definition(model, lr, coordinates, cell)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    parameters, upstream = list(model.parameters()), torch.randn_like(ours)
    for one, other in zip(*(torch.autograd.grad(rgb, parameters, upstream) for rgb in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
