import torch
from torch import Tensor

from splatsr.decoders.gaussian_bank import GaussianBank, gumbel


def bank(selection: str = "expected", **changes: object) -> GaussianBank:
    settings = {"kernels": 9, "sigma_range": [0.2, 3.0], "temperature": 1.0, "noise_seed": 0, "bounded_rho": False}
    return GaussianBank(channels=4, selection=selection, **{**settings, **changes}).eval()


def test_the_first_bank_is_the_published_one() -> None:
    table = bank(kernels=100).table
    widths = torch.linspace(0.2, 3.0, 10)
    torch.testing.assert_close(table[37], torch.tensor([widths[3], widths[7], 0.7310586, 0.0]))
    assert [bank(kernels=count).table.shape[0] for count in (64, 400, 900)] == [64, 400, 900]


@torch.no_grad()
def test_expected_is_the_mean_of_samples_within_their_error() -> None:
    drawing, expecting = bank("sample"), bank("expected")
    logits = 2 * torch.randn(2, 9, 3, 4)
    counts = torch.zeros_like(logits)
    for seed in range(400):
        drawing.noise_seed = seed
        one = drawing.choose(logits)
        assert torch.equal(one.sum(1), torch.ones(2, 3, 4))
        counts += one
    p = expecting.choose(logits)
    torch.testing.assert_close(p, logits.softmax(1))
    errors = (counts / 400 - p) / (p * (1 - p) / 400).sqrt().clamp(min=1e-3)
    assert 0.8 < errors.square().mean().sqrt() < 1.2, "standard errors"
    assert torch.equal(bank("argmax").choose(logits).argmax(1), logits.argmax(1))


@torch.no_grad()
def test_a_sample_repeats_itself_and_training_follows_the_global_seed() -> None:
    model, logits = bank("sample"), torch.randn(1, 9, 5, 6)
    state = torch.get_rng_state()
    assert torch.equal(model.choose(logits), model.choose(logits))
    assert torch.equal(torch.get_rng_state(), state)
    model.train()

    def soft(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return model.choose(logits)

    assert torch.equal(soft(1), soft(1))
    assert not torch.equal(soft(1), soft(2))
    torch.testing.assert_close(soft(1).sum(1), torch.ones(1, 5, 6))
    assert soft(1).max(1).values.min() < 0.99, "soft, not one of them"
    model.temperature = 0.001
    assert soft(1).max(1).values.mean() > 0.99


def test_the_noise_is_gumbels() -> None:
    noise = gumbel(torch.empty(400, 500), 0)
    torch.testing.assert_close(noise.mean(), torch.tensor(0.5772), atol=0.01, rtol=0)
    torch.testing.assert_close(noise.var(), torch.tensor(torch.pi**2 / 6), atol=0.02, rtol=0)


def test_a_bounded_correlation_stays_below_one() -> None:
    wild = bank(bounded_rho=True)
    torch.nn.init.constant_(wild.rho, 3.0)
    assert (wild.table[:, 3] < 1).all()
    assert torch.equal(bank().table, bank(bounded_rho=True).table), "the first bank is the same"
