import pytest

from splatsr.metrics.model_cost import AverageTimeCost, MemoryCost, ModelCost, OneScaleCost

COST = ModelCost(
    parameters=7,
    average_time=[AverageTimeCost((4, 5), 10.0, {2: 1.0, 3.3: 3.0}, [2])],
    one_scale=[OneScaleCost(4, (8, 8), 32, 12.0, 1e9), OneScaleCost(8, (4, 4), 32, 6.0, 2e8)],
    memory=MemoryCost((4, 5), 20.0, {4: 30.0}),
)


def test_an_image_is_encoded_once_for_all_scales() -> None:
    (time,) = COST.average_time
    assert time.render_ms == 2.0
    assert time.average_ms == pytest.approx(10 / 2 + 2)


def test_the_form_of_benchmark_json() -> None:
    assert COST.as_json() == {
        "parameters": 7,
        "average_time": [
            {
                "lr_size": [4, 5], "encode_ms": 10.0, "render_ms": 2.0, "average_ms": 7.0,
                "render_ms_at": {"x2": 1.0, "x3.3": 3.0}, "measured": ["x2"],
            }
        ],
        "one_scale": {
            "x4": {"lr_size": [8, 8], "hr_side": 32, "ms": 12.0, "multiply_adds": 1e9},
            "x8": {"lr_size": [4, 4], "hr_side": 32, "ms": 6.0, "multiply_adds": 2e8},
        },
        "memory": {"lr_size": [4, 5], "encode_mb": 20.0, "render_mb_at": {"x4": 30.0}},
    }  # fmt: skip
