"""The answers of benchmarks/recipe.py are settings that can be trained with."""

import pytest

from composed import settings_of
from splatsr.runs.configuration import CONF, instantiate

SCRIPT = CONF.parent / "benchmarks" / "recipe.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")


@pytest.mark.parametrize(("question", "part"), [("loss", "loss"), ("together", "loss"), ("optimizer", "optimizer")])
def test_every_answer_is_a_part_that_can_be_made(question: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import recipe

    made = [
        instantiate(settings_of("experiment=tiny_released", *recipe.whole(settings))[part], part)
        for settings in recipe.QUESTIONS[question].values()
    ]
    assert len({repr(one) + str(vars(one) if part == "loss" else "") for one in made}) == len(made)


def test_the_first_recipe_is_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import recipe

    first = settings_of("experiment=tiny_released", *recipe.whole([]))
    assert first["loss"] == {"_target_": "torch.nn.L1Loss"}
    assert (first["model"]["reference_scale"], first["data"]["drawings"]) == (2, 60)
    always = settings_of("experiment=tiny_released", *recipe.whole(recipe.QUESTIONS["footprint"]["always"]))
    assert always["model"]["reference_scale"] == float("inf")
