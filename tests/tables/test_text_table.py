from splatsr.tables.text_table import TextTable

TABLE = TextTable("Title", ["set", "x2", "x10"], [["set5", "37.12", "9"], ["b", "1.00", "10.5"]], 1)


def test_words_are_to_the_left_and_numbers_to_the_right() -> None:
    assert TABLE.aligned() == [
        "Title",
        "set      x2   x10",
        "----  -----  ----",
        "set5  37.12     9",
        "b      1.00  10.5",
    ]


def test_a_narrow_terminal_gets_parts_that_hold_every_number_once_beside_the_words() -> None:
    parts = list(TABLE.within(17))
    assert [part.headings for part in parts] == [["set", "x2"], ["set", "x10"]]
    assert [part.rows for part in parts] == [[["set5", "37.12"], ["b", "1.00"]], [["set5", "9"], ["b", "10.5"]]]
    assert list(TABLE.within(80)) == [TABLE]


def test_a_terminal_that_is_too_narrow_for_anything_still_gets_one_number_at_a_time() -> None:
    assert [part.headings for part in TABLE.within(1)] == [["set", "x2"], ["set", "x10"]]


def test_words_alone_are_one_part() -> None:
    words = TextTable("", ["a", "b"], [["long words", "more"]], 2)
    assert list(words.within(5)) == [words]
