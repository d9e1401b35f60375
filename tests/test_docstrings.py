"""Documented arguments are those of the signature: the reference is built from both, and refuses what does not fit."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import splatsr

HOUSE = Path(splatsr.__file__).parent


def documented(docstring: str | None) -> list[str]:
    """What stands before the colon in the lines of the section "Args:"."""
    found = re.search(r"^( *)Args:\n((?:\1 +.*\n|\n)*)", f"{docstring or ''}\n", re.MULTILINE)
    return re.findall(rf"^{found[1]}    ([^\s:][^:\n]*):", found[2], re.MULTILINE) if found else []


def signatures(tree: ast.Module) -> Iterator[tuple[str, str | None, set[str]]]:
    """(name, docstring, parameters) of functions, and of classes those of `__init__` or of the fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, ast.get_docstring(node), _parameters(node)
        elif isinstance(node, ast.ClassDef):
            made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
            yield node.name, ast.get_docstring(node), _parameters(made[0]) if made else fields


def _parameters(function: ast.FunctionDef) -> set[str]:
    given = function.args
    names = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    return names | {one.arg for one in (given.vararg, given.kwarg) if one}


def test_documented_arguments_are_those_of_the_signature() -> None:
    for path in sorted(HOUSE.rglob("*.py")):
        for name, docstring, parameters in signatures(ast.parse(path.read_text())):
            assert set(documented(docstring)) <= parameters, f"{path}: {name}"


def test_what_does_not_fit_is_found() -> None:
    assert documented(
        "Makes it.\n\nArgs:\n    side, step: of it,\n        as: usual.\n    rest: of it.\n\nReturns:\n    a: b"
    ) == [
        "side, step",
        "rest",
    ]
