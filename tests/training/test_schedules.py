import pytest
import torch

from splatsr.training.schedules import cosine, held_cosine, milestones, step


def rates(schedule, updates: int, **settings: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = schedule(optimizer, **settings)
    seen = []
    for _ in range(updates):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_cosine_warms_up_and_ends_at_zero() -> None:
    seen = rates(cosine, 20, steps=20, steps_per_epoch=10, warmup_steps=4)
    assert seen[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert seen[4] == 1
    assert seen[12] == pytest.approx(0.5)
    assert seen[20] == pytest.approx(0)
    assert all(later < earlier for earlier, later in zip(seen[4:], seen[5:], strict=False))


def test_held_cosine_keeps_its_rate_and_ends_at_its_least() -> None:
    seen = rates(held_cosine, 20, steps=20, steps_per_epoch=10, held_steps=10, least=0.1, warmup_steps=2)
    assert seen[:2] == pytest.approx([1 / 3, 2 / 3])
    assert seen[2:11] == [1.0] * 9
    assert seen[15] == pytest.approx(0.55)
    assert seen[20] == pytest.approx(0.1)
    assert rates(held_cosine, 3, steps=3, steps_per_epoch=3, held_steps=10, least=0.1, warmup_steps=0) == [1.0] * 4


def test_step_halves_after_whole_epochs() -> None:
    seen = rates(step, 12, steps=12, steps_per_epoch=3, every_epochs=2, factor=0.5, warmup_steps=0)
    assert seen == [1.0] * 6 + [0.5] * 6 + [0.25]


def test_step_warms_up_and_keeps_its_epochs() -> None:
    plain, warm = (
        rates(step, 12, steps=12, steps_per_epoch=3, every_epochs=1, factor=0.5, warmup_steps=count) for count in (0, 4)
    )
    assert warm[:4] == pytest.approx([0.2 * 1, 0.4 * 1, 0.6 * 1, 0.8 * 0.5])
    assert warm[4:] == plain[4:]


def test_a_training_that_is_shorter_than_the_schedule_keeps_its_first_rate() -> None:
    shorter = {"steps": 6, "steps_per_epoch": 3, "factor": 0.5, "warmup_steps": 0}
    assert rates(step, 5, every_epochs=5, **shorter) == [1.0] * 6
    assert rates(milestones, 5, at_epochs=[5], **shorter) == [1.0] * 6


def test_milestones_halve_after_their_epochs() -> None:
    settings = {"steps": 10, "steps_per_epoch": 2, "at_epochs": [1, 4], "factor": 0.5}
    assert rates(milestones, 9, **settings, warmup_steps=0) == [1.0] * 2 + [0.5] * 6 + [0.25] * 2
    assert rates(milestones, 1, **settings, warmup_steps=1) == [0.5, 1.0]
