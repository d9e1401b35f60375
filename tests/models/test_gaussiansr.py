from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, one_hot
from torch.utils.data import DataLoader

from composed import settings_of
from golden import read_golden
from published_family import StoredFeatures, image_and_golden, load_published
from splatsr.checkpoints.build import build
from splatsr.decoders import implicit_image
from splatsr.decoders.local_texture import basis, neighbouring_halves
from splatsr.decoders.pixel_splatting import PixelSplatting
from splatsr.decoders.tile_splatting import TileSplatting
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import Output, Strip, pixel_centres
from splatsr.image.continuous_image import QueryableImage, StripImage
from splatsr.models.gaussiansr import GaussianSR
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine
from splatsr.training.supervision import OnQueries

SMALL = ("model.encoder.channels=12", "model.encoder.blocks=1", "model.encoder.out_channels=12", "model.bank.kernels=9")
FORMS = ["gaussiansr", "gaussiansr_per_pixel"]


def small(form: str, *overrides: str, selection: str = "expected") -> GaussianSR:
    """A narrow model whose kernels differ much from pixel to pixel."""
    choices = (*SMALL, f"model.bank.selection={selection}", "model.waves=6", "model.hidden=[16,16]")
    model = build(settings_of(f"model={form}", *choices, *overrides)["model"]).eval()
    if model.bank is not None:
        nn.init.normal_(model.bank.classifier.weight, std=0.5)
    return model


def centres(height: int, width: int) -> Tensor:
    return pixel_centres(torch.cartesian_prod(torch.arange(height), torch.arange(width)), (height, width))[None]


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both stored images: with the kernels that were drawn, and with the likeliest. 79 rows from 24: row 39 is on a border."""
    model = load_published("gaussiansr", "gaussian-splatter", tmp_path)
    tensors, _ = read_golden("gaussiansr")
    drawn = one_hot(tensors["assignment"], 100).permute(0, 3, 1, 2).float()

    def errors() -> tuple[float, float]:
        model.bank.selection = "argmax"
        likeliest = image_and_golden(model, "gaussiansr")[0] - tensors["output_argmax"]
        with monkeypatch.context() as patch:
            patch.setattr(model.bank, "choose", lambda _: drawn)
            image, golden = image_and_golden(model, "gaussiansr")
        return likeliest.abs().max().item(), (image - golden).abs().max().item()

    assert max(errors()) < 3e-3  # of levels up to 14.5; waves amplify the encoder's rounding errors
    model.encoder = StoredFeatures("gaussiansr")
    assert max(errors()) < 1e-3  # and those of the features: the published float32 image is as far from one in float64


@pytest.mark.parametrize("form", FORMS)
@torch.inference_mode()
def test_both_streams_are_decoded_at_the_outputs_pixels(form: str) -> None:
    """The decoder as the paper has it, with whole convolutions; the nearest LR pixel by integers."""
    model, lr = small(form), torch.rand(2, 3, 5, 9)
    output = Output((13, 22), (13 / 5, 22 / 9))
    features = model.encoder(2 * lr - 1)
    splat = model.splatting(features[:, :8], model.splatting.prepare(model.bank(features)), output, (0, 13))
    both = torch.cat([splat, interpolate(features[:, 8:], size=(13, 22), mode="bicubic", align_corners=False)], dim=1)
    coef, freq = (conv2d(both, conv.weight, conv.bias, padding=1).flatten(2).mT for conv in (model.coef, model.freq))
    rows, columns = ((torch.arange(n) + 0.5) * m / n for n, m in ((13, 5), (22, 9)))
    offset = torch.cartesian_prod(2 * (rows % 1) - 1, 2 * (columns % 1) - 1).expand(2, -1, -1)
    phase = model.phase(torch.tensor([2 * 5 / 13, 2 * 9 / 22]))
    expected = 0.5 + 0.5 * model.dec(coef * basis(neighbouring_halves(freq, offset) + phase))
    torch.testing.assert_close(model(lr).render(size=(13, 22)), expected.mT.view(2, 3, 13, 22), atol=1e-4, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@torch.inference_mode()
def test_a_render_is_the_query_of_its_pixel_centres_in_chunks_of_any_length(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = small(form)(torch.rand(2, 3, 5, 9))
    assert isinstance(image, QueryableImage)
    whole = image.render(size=(16, 23))
    monkeypatch.setitem(implicit_image.CHUNK, "cpu", 150)
    queried = image.query(centres(16, 23).expand(2, -1, -1), torch.tensor([[2 / 16, 2 / 23]] * 2))
    torch.testing.assert_close(queried.mT.view(2, 3, 16, 23), whole)
    torch.testing.assert_close(image.render(size=(16, 23)), whole)


@torch.inference_mode()
def test_the_type_says_what_comes_in_strips() -> None:
    lr = torch.rand(1, 3, 20, 9)
    assert not isinstance(small("gaussiansr")(lr), StripImage), "its table is of the whole image"
    for form, splatted in (("gaussiansr_per_pixel", 8), ("gaussiansr", 0)):
        image = small(form, f"model.splatted={splatted}")(lr)
        assert isinstance(image, StripImage)
        whole = image.render(scale=2.6)
        output = Output((52, 23), (2.6, 2.6))
        for rows in ((0, 1), (1, 20), (20, 52)):
            strip = image.render_strip(Strip(output, (20, 9), rows, origin=0))
            torch.testing.assert_close(strip, whole[:, :, slice(*rows)], atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@torch.inference_mode()
def test_all_channels_can_be_splatted(form: str) -> None:
    """Then nothing of the LR image comes to the output but through its Gaussians."""
    lrs = torch.rand(2, 3, 14, 21)
    for splatted, is_blind in ((12, True), (11, False)):
        model = small(form, f"model.splatted={splatted}")
        first, second = model(lrs).render(scale=2.5)
        assert first.shape == (3, 35, 52)
        assert not torch.equal(first, second)
        model.bank.opacity.zero_()
        first, second = model(lrs).render(scale=2.5)
        assert torch.equal(first, second) == is_blind


@pytest.mark.parametrize("form", FORMS)
@torch.inference_mode()
def test_only_the_published_form_depends_on_batch_and_tiling(form: str) -> None:
    model, lr = small(form), torch.rand(2, 3, 28, 42)
    alone, together = model(lr[:1]).render(scale=2), model(lr).render(scale=2)[:1]
    part = model(lr[:1, :, :, :28]).render(scale=2)[..., :14]  # 21 LR pixels away from the cut; whole tiles
    if form == "gaussiansr":
        assert (alone - together).abs().max() > 2e-4
        assert (alone[..., :14] - part).abs().max() > 1e-4
    else:
        torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)
        torch.testing.assert_close(alone[..., :14], part, atol=1e-6, rtol=0)


@pytest.mark.parametrize("form", FORMS)
def test_images_of_a_batch_may_be_asked_at_scales_of_their_own(form: str) -> None:
    model, lr = small(form), torch.rand(2, 3, 7, 7)
    coordinates, cell = torch.rand(2, 30, 2) * 2 - 1, torch.tensor([[2 / 14, 2 / 14], [2 / 19, 2 / 20]])
    image = model(lr)
    for k in range(2):
        same = image.query(coordinates, cell[k : k + 1].expand(2, 2))[k]
        torch.testing.assert_close(image.query(coordinates, cell)[k], same, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("selection", ["sample", "expected", "argmax"])
@torch.inference_mode()
def test_one_pixel_and_unequal_scales(form: str, selection: str) -> None:
    model = small(form, selection=selection)
    assert model(torch.rand(1, 3, 1, 1)).render(scale=(5, 3.4)).isfinite().all()
    assert model(torch.rand(1, 3, 1, 8)).render(scale=(1, 6.5)).shape == (1, 3, 1, 52)


@torch.inference_mode()
def test_the_mean_of_many_samples_is_the_expected_image() -> None:
    """To the first order in the averaged table: with 24 x 24 pixels the samples differ little."""
    model, lr = small("gaussiansr", selection="sample"), torch.rand(1, 3, 24, 24)
    samples = []
    for seed in range(24):
        model.bank.noise_seed = seed
        samples.append(model(lr).render(scale=2))
    again = model(lr).render(scale=2)
    assert torch.equal(again, samples[-1]), "an image is the same every time"
    images = torch.cat(samples)
    model.bank.selection = "expected"
    expected = model(lr).render(scale=2)
    spread, off = images.std(0).square().mean().sqrt(), (images.mean(0) - expected[0]).square().mean().sqrt()
    assert 0 < off < 3 * spread / 24**0.5
    model.bank.selection = "argmax"
    assert (model(lr).render(scale=2) - expected).square().mean().sqrt() > 3 * off


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_gets_a_gradient(form: str) -> None:
    model = small(form).train()
    model(torch.rand(2, 3, 8, 9)).render(scale=(2.5, 3)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
@pytest.mark.parametrize(("form", "precision"), [("gaussiansr", "32-true"), ("gaussiansr_per_pixel", "bf16-mixed")])
def test_the_loss_falls_and_a_training_repeats_itself(form: str, precision: str) -> None:
    hr = interpolate(torch.rand(2, 3, 4, 4), size=(24, 24), mode="bicubic").clamp(0, 1)
    batch = {
        "lr": interpolate(hr, size=(12, 12), mode="bicubic", antialias=True),
        "hr": hr,
        "scale": 2.0,
        "seeds": list(range(len(hr))),
    }

    def trained() -> tuple[SuperResolution, float]:
        torch.manual_seed(1)
        config = settings_of(f"model={form}", *SMALL, "model.waves=6", "model.hidden=[32]")["model"]
        module = SuperResolution(
            model_config=config, loss=nn.L1Loss(), seed=0, supervision=OnQueries(count=144),
            optimizer=partial(torch.optim.Adam, lr=1e-2), schedule=partial(cosine, warmup_steps=0),
        )  # fmt: skip
        before = _loss(module, batch)
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, limit_val_batches=0, precision=precision,
        )  # fmt: skip
        trainer.fit(module, DataLoader([batch] * 12, batch_size=None))
        return module, before

    (first, before), (second, _) = trained(), trained()
    assert _loss(first, batch) < 0.8 * before
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other), "the noise of the choice belongs to the epoch"


@torch.no_grad()
def _loss(module: SuperResolution, batch: dict) -> float:
    loss = module.loss(module.model.eval()(batch["lr"]).render(scale=2.0), batch["hr"]).item()
    module.train()
    return loss


def test_wrong_numbers_are_refused() -> None:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    bank = build(settings_of("model=gaussiansr")["model"]["bank"])
    for changes, splatted, message in (
        ({"kernels": 99}, 8, "square number"),
        ({"selection": "best"}, 8, "sample, expected, argmax"),
        ({"temperature": 0}, 8, "temperature"),
        ({}, 9, "between 0 and the encoder's 8 channels"),
    ):
        with pytest.raises(ValueError, match=message):
            GaussianSR(
                encoder=encoder, splatted=splatted, bank=partial(bank, **changes), splatting=PixelSplatting(unit=0.4),
                waves=8, hidden=[8],
            )  # fmt: skip
    with pytest.raises(ValueError, match="odd"):
        TileSplatting(tile=7, kernel=4, extent=5.0, clamp=True)
    with pytest.raises(ValueError, match="unit"):
        PixelSplatting(unit=0)
