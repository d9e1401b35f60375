import shlex
import sys

import pytest
from hydra.errors import HydraException, InstantiationException

from splatsr.errors import InputError
from splatsr.runs.configuration import compose
from splatsr.runs.explanations import check_command_line, explain, explain_beginning, suggest_key, suggest_option


def test_an_input_error_is_found_beneath_others_and_put_on_one_line() -> None:
    try:
        try:
            raise InputError("first\n  second")
        except InputError as error:
            raise HydraException("Error executing job") from error
    except HydraException as error:
        assert explain(error) == "first second"


def test_a_defect_of_the_program_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
    assert explain(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model=lii", ["model=lii does not exist", "did you mean 'liif'?"]),
        ("optimizer.lrr=1", ["unknown configuration key 'optimizer.lrr'", "did you mean 'optimizer.lr'?"]),
        ("model=[", ["model=["]),
    ],
)
def test_hydras_errors_become_one_line(override: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", override])
    with pytest.raises(HydraException) as refusal:
        compose(override)
    line = explain(refusal.value)
    assert line is not None
    assert "\n" not in line
    for word in words:
        assert word in line


def test_plugins_that_are_not_installed_are_named() -> None:
    assert "pip install 'splatsr[slurm]'" in suggest_option("hydra/launcher/submitit_slurm")
    assert "pip install 'splatsr[optuna]'" in suggest_option("hydra/sweeper/optuna")
    assert "no configuration group or option 'nothing'" in suggest_option("nothing")
    assert "did you mean 'data.patch'?" in suggest_key("data.pach")


@pytest.mark.parametrize("name", ["a (1).png", "it's.png", 'a"b".png', "ä.png", "a=b,{c}.png"])
def test_what_is_to_be_typed_for_a_name_that_hydra_reads_otherwise_is_read_as_that_name(name: str) -> None:
    with pytest.raises(HydraException) as refused:
        compose(f"input={name}")
    typed = explain(refused.value).partition("quote it twice, for the shell and for Hydra: ")[2]
    (argument,) = shlex.split(typed)
    assert compose(argument)["input"] == name


def test_one_option_is_chosen_of_a_group_where_several_would_be_merged() -> None:
    check_command_line(["callbacks=[progress,checkpoints]", "data/degradation=[blur,pil]", "scales=[2,3]"])
    for argument in ("model=[bicubic,liif]", "+experiment=[tiny,ours]", "model/encoder=[edsr,rdn]"):
        with pytest.raises(InputError, match="takes the name of one option, no list"):
            check_command_line([argument])


@pytest.mark.parametrize(
    ("argument", "read"), [("input=1_000", "1000"), ("output=+5", "5"), ("input=-0", "0"), ("input= a", "a")]
)
def test_a_name_that_hydra_would_change_is_quoted(argument: str, read: str) -> None:
    with pytest.raises(InputError, match=f"would be read as '{read}'; if that is a name, quote it twice"):
        check_command_line([argument])
    key, name = argument.split("=")
    check_command_line([f'{key}="{name}"', f"{key}=0x10", f"{key}=007", f"{key}=1000", f"{key}=a b", "seed=1_000"])


def test_what_no_launcher_reads_is_named() -> None:
    try:
        try:
            raise TypeError("LocalProcesses.__init__() got an unexpected keyword argument 'foo'")
        except TypeError as error:
            raise InstantiationException("Error in call to target\nfull_key: hydra.launcher") from error
    except InstantiationException as error:
        assert explain_beginning(error) == "hydra.launcher: nothing reads foo."


@pytest.mark.parametrize("name", ["a/b", "../a", "'a/'"])
def test_a_log_file_lies_in_its_runs_folder(name: str) -> None:
    check_command_line(["hydra.job.name=a"])
    with pytest.raises(InputError, match="give a name without folders"):
        check_command_line([f"hydra.job.name={name}"])
