from splatsr.metrics.model_cost import AverageTimeCost, MemoryCost, ModelCost, OneScaleCost
from splatsr.tables.cost import cost_tables


def cost(*measured: int) -> ModelCost:
    times = [AverageTimeCost(size, 10.0, {4: 1.0, 8: 3.0}, measured) for size in ((4, 5), (8, 9))]
    return ModelCost(5_540_000, times, [OneScaleCost(4, (72, 72), 288, 12.34, 1.5e9)], MemoryCost((4, 5), 20.0, {4: 30.4}))


def test_a_row_for_each_model_and_in_the_first_for_each_lr_size() -> None:
    average, one_scale, memory = cost_tables({"a": cost(4, 8), "b": cost(4)})
    assert average.headings == ["model", "parameters", "LR", "encode ms", "render ms", "AT ms"]
    assert average.rows[0] == ["a", "5.54 M", "5x4", "10", "2", "7"], "width x height"
    assert average.rows[2] == ["b", "5.54 M", "5x4", "10", "~2", "~7"], "x8 is interpolated"
    assert len(average.rows) == 4
    assert one_scale.title == "One scale, GT 288: encoded and rendered"
    assert (one_scale.headings, one_scale.rows[0]) == (["model", "x4 ms", "x4 GMAC"], ["a", "12.3", "1.5"])
    assert memory.title == "Peak memory beyond the start, LR 5x4"
    assert (memory.headings, memory.rows[1]) == (["model", "encode MB", "x4 MB"], ["b", "20", "30"])
