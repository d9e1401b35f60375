from pathlib import Path

import lightning
import pytest

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.data.module import PhotoData
from splatsr.runs.configuration import instantiate
from splatsr.runs.header import count, describe_crops, describe_model


def test_a_model_is_named_with_its_encoder_and_size() -> None:
    settings = settings_of("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")
    model = build(settings["model"])
    parameters = sum(weight.numel() for weight in model.parameters())
    assert describe_model(model).startswith("ContinuousSR on EDSR, ")
    assert describe_model(model) in (
        f"ContinuousSR on EDSR, {parameters / 1e6:.2f} million parameters", f"ContinuousSR on EDSR, {parameters:,} parameters"
    )  # fmt: skip
    assert describe_model(build(settings_of("model=bicubic")["model"])) == "Bicubic, 0 parameters"


@pytest.mark.parametrize(
    ("limit", "crops"),
    [(None, "20 crops (5 x 4)"), (1.0, "20 crops (5 x 4)"), (0.5, "8 crops (2 x 4)"), (3, "12 crops (3 x 4)")],
)
def test_an_epoch_has_the_crops_that_it_will_have(limit: float | None, crops: str, photographs: Path) -> None:
    data: PhotoData = instantiate(
        settings_of(
            "data=folder", f"data.train={photographs}", f"data.test={photographs}", "data.patch=24", "data.scale_range=[2,3]",
            "data.batch_size=4", "data.batches_per_epoch=5",
        )["data"],
        "data",
    )  # fmt: skip
    data.setup("fit")
    assert describe_crops(data, limit) == f"3 photographs; an epoch is {crops} of 24x24 HR pixels at x2 to x3"


def test_a_batch_in_parts_says_so(photographs: Path) -> None:
    data: PhotoData = instantiate(settings_of("data=folder", f"data.train={photographs}", "data.patch=24")["data"], "data")
    data.trainer = lightning.Trainer(accelerator="cpu", accumulate_grad_batches=4, logger=False, enable_checkpointing=False)
    data.setup("fit")
    assert "(100 x 8, each in 4 parts)" in describe_crops(data, None)


def test_one_is_one() -> None:
    assert [count(number, "image") for number in (1, 2, 20_000)] == ["1 image", "2 images", "20,000 images"]
