from pathlib import Path

import pytest
import torch
import torchvision

from splatsr.errors import InputError
from splatsr.training.supervision import OnWindows, OnWindowsOfASample
from splatsr.training.vgg_loss import L1WithVGG
from trained_networks import VGG19, random_weights


@pytest.fixture
def vgg(hub: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    state = random_weights("vgg19")
    torch.save(state, hub / VGG19)
    return state


def test_features_of_the_sample_are_added_to_l1_of_the_other_half(vgg: dict[str, torch.Tensor]) -> None:
    with torch.device("meta"):
        network = torchvision.models.vgg19(init_weights=False)
    network.load_state_dict(
        {name: tensor.clone() for name, tensor in vgg.items() if "features" in name}, strict=False, assign=True
    )
    layers = network.features[:34]  # its last one is conv5_4, the last convolution but for whose ReLU nothing is missing
    assert isinstance(layers[-1], torch.nn.ReLU)
    layers.append(network.features[34])
    assert [type(layer) for layer in network.features[35:]] == [torch.nn.ReLU, torch.nn.MaxPool2d]
    normalise = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    middle, sample, clean = torch.rand(3, 2, 3, 24, 24)
    distance = (layers(normalise(sample)) - layers(normalise(clean))).abs().mean()
    assert distance > 1e-5
    found = L1WithVGG(weight=5e3)(torch.cat([middle, sample]), torch.cat([clean, clean]))
    torch.testing.assert_close(found, (middle - clean).abs().mean() + 5e3 * distance)


@pytest.mark.usefixtures("vgg")
def test_its_gradient_reaches_both_halves_and_its_network_is_nobodys_weight() -> None:
    loss = L1WithVGG(weight=1.0)
    prediction = torch.rand(2, 3, 16, 16, requires_grad=True)
    loss(prediction, torch.rand(2, 3, 16, 16)).backward()
    assert all(half.abs().sum() > 0 for half in prediction.grad)
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}


@pytest.mark.usefixtures("vgg")
def test_it_wants_a_sample_and_windows_that_are_large_enough() -> None:
    loss = L1WithVGG(weight=1.0)
    loss.check(OnWindowsOfASample(side=16, step=1, temperature=0.8), 256)
    with pytest.raises(InputError, match="use supervision=likelihood_then_sampled_windows"):
        loss.check(OnWindows(side=16, step=1), 256)
    with pytest.raises(InputError, match="needs windows of 16x16 pixels; supervision's side is 15"):
        loss.check(OnWindowsOfASample(side=15, step=1, temperature=0.8), 256)


def test_without_its_network_it_says_what_belongs_where(hub: Path) -> None:
    with pytest.raises(InputError, match=rf"put https://.*/{VGG19} into {hub}; or use loss=nll_then_l1\."):
        L1WithVGG(weight=0.1)


def test_a_file_of_another_network_is_refused(hub: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, hub / VGG19)
    with pytest.raises(InputError, match="does not hold the weights of torchvision's VGG19"):
        L1WithVGG(weight=0.1)
