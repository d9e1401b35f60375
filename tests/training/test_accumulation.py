"""A batch that is taken in parts, for want of memory, trains as the whole one does."""

from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from torch import Tensor

from composed import settings_of
from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.runs.configuration import instantiate
from splatsr.training.length import check_epoch
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine

SMALL = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8"]

METHODS = {
    "crops": SMALL,
    "queries": ["model=liif", "model/encoder=edsr_tiny", *SMALL, "model.hidden=[8]", "supervision=queries",
                "supervision.count=50", "data.patch_of=lr", "data.scale_per=crop", "data.patch=12"],
}  # fmt: skip


def trained(photographs: Path, method: str, parts: int) -> dict[str, Tensor]:
    """The weights after three steps, in float64; clipping sees the gradient of the whole batch."""
    settings = settings_of(
        "data=folder", f"data.train={photographs}", "data.patch=24", "data.scale_range=[2,3]", "data.batch_size=4",
        "data.batches_per_epoch=3", "data.workers=0", "data.validation_scales=[]", *METHODS[method],
    )  # fmt: skip
    data: PhotoData = instantiate(settings["data"], "data")
    torch.manual_seed(0)
    task = SuperResolution(
        model_config=settings["model"], supervision=instantiate(settings["supervision"], "supervision"), seed=0,
        loss=torch.nn.L1Loss(), optimizer=partial(torch.optim.SGD, lr=0.1), schedule=partial(cosine, warmup_steps=0),
    )  # fmt: skip
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=1, precision="64-true", gradient_clip_val=0.5, accumulate_grad_batches=parts,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False,
    )  # fmt: skip
    trainer.fit(task, datamodule=data)
    assert trainer.global_step == 3
    return task.model.state_dict()


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("method", list(METHODS))
def test_parts_end_where_the_whole_batch_does(method: str, photographs: Path) -> None:
    whole, in_parts = (trained(photographs, method, parts) for parts in (1, 4))
    for name, weight in whole.items():
        torch.testing.assert_close(in_parts[name], weight, rtol=0, atol=1e-8, msg=lambda text, name=name: f"{name}: {text}")


def test_a_limit_of_batches_would_count_parts() -> None:
    check_epoch({"accumulate_grad_batches": 4}, 3)
    check_epoch({"limit_train_batches": 2}, 3)
    with pytest.raises(InputError, match=r"would count parts of batches .* set data.batches_per_epoch"):
        check_epoch({"accumulate_grad_batches": 4, "limit_train_batches": 2}, 3)
