import math

import pytest
import torch

from splatsr.decoders.conditional_flow import ConditionalFlow


def flow_and_conditions() -> tuple[ConditionalFlow, torch.Tensor]:
    flow = ConditionalFlow(values=4, layers=3).double()
    for linear in (*flow.linears, flow.last):
        linear.bias.data.normal_()
    return flow, torch.randn(5, flow.conditions, dtype=torch.float64)


def test_the_density_is_that_of_the_latent_times_the_jacobian() -> None:
    flow, conditions = flow_and_conditions()
    latents = torch.randn(5, 4, dtype=torch.float64)
    vectors = flow.inverse(latents, conditions)
    normal = -0.5 * latents.square().sum(-1) - 2 * math.log(2 * math.pi)
    for index in range(5):
        jacobian = torch.autograd.functional.jacobian(lambda z, c=conditions[index]: flow.inverse(z, c), latents[index])
        expected = normal[index] - torch.linalg.slogdet(jacobian).logabsdet
        torch.testing.assert_close(flow.log_density(vectors[index], conditions[index]), expected, atol=1e-6, rtol=1e-6)


def test_a_layer_is_a_linear_map_then_scales_and_shifts_of_the_condition() -> None:
    flow = ConditionalFlow(values=2, layers=1)
    for linear in (*flow.linears, flow.last):
        linear.weight.data = torch.eye(2)
    flow.linears[0].bias.data = torch.tensor([1.0, 2.0])
    conditions = torch.tensor([0.0, -2.0, 3.0, 4.0])  # two scales, two shifts
    scales = torch.sigmoid(torch.tensor([2.0, 0.0])) + 1e-4
    vector = (torch.tensor([5.0, 6.0]) - torch.tensor([3.0, 4.0])) / scales - torch.tensor([1.0, 2.0])
    torch.testing.assert_close(flow.inverse(torch.tensor([5.0, 6.0]), conditions), vector)


def test_first_matrices_are_uniform_within_the_published_range() -> None:
    weights = ConditionalFlow(values=27, layers=2).linears[0].weight
    assert weights.abs().max().item() == pytest.approx(8**-0.5, rel=0.01)
    assert weights.std().item() == pytest.approx(8**-0.5 / 3**0.5, rel=0.05)


def test_it_computes_in_float32_whatever_is_around_it() -> None:
    flow = ConditionalFlow(values=3, layers=2)
    latents, conditions = torch.randn(7, 3), torch.randn(7, flow.conditions)
    expected = flow.inverse(latents, conditions)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(flow.inverse(latents, conditions), expected)
