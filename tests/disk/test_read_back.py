from pathlib import Path

import pytest

from splatsr.disk.read_back import read_json, read_text, read_yaml
from splatsr.errors import InputError


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [1, null, "ä"]}', encoding="utf-8")
    (tmp_path / "a.yaml").write_text("a: [1, null, ä]\n", encoding="utf-8")
    assert read_json(tmp_path / "a.json") == read_yaml(tmp_path / "a.yaml") == {"a": [1, None, "ä"]}


@pytest.mark.parametrize("read", [read_text, read_json, read_yaml])
def test_what_is_no_text_is_one_line(read: object, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match="file: no such file"):
        read(path)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path)
    path.write_bytes(b"a\xff\x00")
    with pytest.raises(InputError, match="file is damaged: it is no UTF-8 text"):
        read(path)


@pytest.mark.parametrize("content", ["", "{", '{"a": ', "[" * 100_000, "9" * 5000])
def test_what_is_no_json_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match="a.json is damaged"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    "content",
    ["{", "a: b: c", "[" * 5_000, "!!python/object/apply:os.system [echo]", "a: 2001-99-99", "\x00"]
    + ["!!timestamp x", '!!int ""', "!!bool x", "9" * 5000],
)
def test_what_is_no_yaml_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(InputError, match="a.yaml is damaged"):
        read_yaml(tmp_path / "a.yaml")


def test_a_few_bytes_cannot_become_endless(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    (tmp_path / "a.yaml").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"it holds aliases \(\*name\)"):
        read_yaml(tmp_path / "a.yaml")
