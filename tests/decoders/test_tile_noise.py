import torch

from splatsr.decoders.tile_noise import tile_noise


def test_a_tiles_numbers_do_not_depend_on_what_else_is_asked_for() -> None:
    tiles = torch.cartesian_prod(torch.arange(4), torch.arange(5))
    whole = tile_noise(0, tiles, 5, 27)
    some = torch.randperm(20)[:7]
    assert torch.equal(tile_noise(0, tiles[some], 5, 27), whole[some])
    assert not torch.equal(tile_noise(1, tiles, 5, 27), whole)


def test_they_are_standard_normal() -> None:
    noise = tile_noise(0, torch.cartesian_prod(torch.arange(60), torch.arange(60)), 60, 3)
    assert abs(noise.mean()) < 0.03
    assert abs(noise.std() - 1) < 0.03
    assert len(noise.unique()) == noise.numel()
