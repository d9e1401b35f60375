import torch

from splatsr.decoders.local_texture import basis, neighbouring_halves, separate_halves


def test_a_waves_frequencies_are_neighbours_or_half_the_channels_apart_vertical_first() -> None:
    frequencies, offsets = torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([[10.0, 100]])
    assert neighbouring_halves(frequencies, offsets).tolist() == [[210, 430]]
    assert separate_halves(frequencies, offsets).tolist() == [[310, 420]]


def test_cosines_come_before_sines() -> None:
    torch.testing.assert_close(basis(torch.tensor([0.0, 0.5])), torch.tensor([1.0, 0, 0, 1]), atol=1e-6, rtol=0)
