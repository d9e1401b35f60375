import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from splatsr.runs.quoted_text import quoted


@pytest.mark.parametrize("text", ["it's", 'a "b"', "a\\b", "a\\", 'a\\\\"b', "${x}", "a=b,c", "[1]", " a ", "(1)", "null", "3"])
def test_hydra_reads_the_same_text_back(text: str) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"input={quoted(text)}"])
    value = override.value()
    assert str(value).replace("\\${", "${") == text
