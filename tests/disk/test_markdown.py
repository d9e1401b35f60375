from splatsr.disk.markdown import markdown_table


def test_text_stands_left_and_numbers_right() -> None:
    assert markdown_table(["a", "b", "c"], [["x", "1", "2"], ["", "", ""]], text_columns=1) == (
        "| a | b | c |\n| --- | ---: | ---: |\n| x | 1 | 2 |\n|  |  |  |"
    )


def test_bars_in_cells_do_not_end_them() -> None:
    assert markdown_table(["|a|"], [["1|2"]], text_columns=1).splitlines() == [r"| \|a\| |", "| --- |", r"| 1\|2 |"]
