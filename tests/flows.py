"""Flows as trained ones are: matrices far from singular, biases that are not 0."""

import torch

from splatsr.decoders.conditional_flow import ConditionalFlow


def calm(flow: ConditionalFlow) -> None:
    """Matrices near the identity, in place of first ones, whose inverses are large."""
    for linear in (*flow.linears, flow.last):
        linear.weight.data.mul_(0.3).add_(torch.eye(flow.values))
        linear.bias.data.normal_(0, 0.1)
