import pytest

from splatsr.training.duration import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (3599, "1 h"), (12_000, "3 h 20 min"), (187_200, "2 days 4 h"),
     (172_800, "2 days")],
)  # fmt: skip
def test_two_units_at_most(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
