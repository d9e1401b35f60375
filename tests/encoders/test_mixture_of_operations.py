import torch
from torch.nn.functional import avg_pool2d, conv2d

from splatsr.encoders.mixture_of_operations import MixtureOfOperations


@torch.no_grad()
def test_it_is_its_definition() -> None:
    mixture, x = MixtureOfOperations(channels=3), torch.randn(2, 3, 9, 11)
    gates = mixture.gate(x.mean((2, 3))).view(2, 4, 8).softmax(-1)
    s = mixture.preprocess(x).relu()
    for index, step in enumerate(mixture.steps):
        made = []
        for which, operation in enumerate(step.operations):
            if which < 4:
                depthwise, pointwise, _, depthwise2, pointwise2 = operation
                half = which  # kernels of 1, 3, 5, 7
                t = conv2d(conv2d(s, depthwise.weight, padding=half, groups=3), pointwise.weight).relu()
                one = conv2d(conv2d(t, depthwise2.weight, padding=half, groups=3), pointwise2.weight)
            elif which < 7:
                depthwise, pointwise = operation
                reach = 2 * (which - 3)  # kernels of 3, 5, 7, every second pixel
                one = conv2d(conv2d(s, depthwise.weight, padding=reach, dilation=2, groups=3), pointwise.weight)
            else:
                one = avg_pool2d(s, 3, 1, 1, count_include_pad=False)
            made.append(gates[:, index, which, None, None, None] * one)
        s = (step.out(torch.cat(made, 1)).relu() + s).relu()
    torch.testing.assert_close(mixture(x), s, atol=1e-6, rtol=1e-5)
