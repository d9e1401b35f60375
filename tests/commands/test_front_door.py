import subprocess
import sys
from pathlib import Path

import pytest

from splatsr.commands.front_door import job_names, main
from splatsr.runs.command_line import _options_first

HEAVY = {"torch", "hydra", "omegaconf", "lightning", "numpy", "rich", "yaml", "PIL"}


def imported(*arguments: str) -> set[str]:
    """The heavy packages that a command line imports."""
    code = (
        "import sys; from splatsr.commands.front_door import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print(*({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["--version"], ["upscale", "--help"], ["models"], ["publish", "--help"], ["view", "--help"]]
)
def test_help_imports_nothing_that_takes_time(arguments: list[str]) -> None:
    assert imported(*arguments) == set()


def test_a_wrong_argument_is_found_before_torch_is_imported(tmp_path: Path) -> None:
    (tmp_path / "photo.png").touch()
    picture = str(tmp_path / "photo.png")
    for wrong in (["no.png", "--scale", "2"], [picture, "--scale", "0"], [picture, "--scale", "2", "--model", "tyni"]):
        assert not imported("upscale", *wrong) & {"torch", "hydra", "numpy"}


def test_jobs_are_those_of_the_package() -> None:
    assert {"train", "evaluate", "upscale", "doctor"} <= set(job_names())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upscal", "a.png"], "did you mean `splatsr upscale`?"),
        (["evalute"], "did you mean `splatsr evaluate`?"),
        (["a.png"], "to enlarge a picture: splatsr upscale"),
        (["upscale"], "the following arguments are required: PICTURE"),
        (["upscale", "a.png", "--scal", "2"], "unrecognized arguments: --scal 2"),
        (["upscale", "input=a.png", "scale=2"], "is a setting, and this command takes options"),
        (["upscale", "a.png", "--scale", "2", "--device", "gpu"], "invalid choice: 'gpu'"),
        (["models", "x"], "unrecognized arguments: x"),
        (["view"], "the following arguments are required: PICTURE"),
        (["view", "no.png"], "no.png: no such file or folder"),
        (["publish", "tiny"], "the following arguments are required: --to"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("flags", [["-m"], ["--cfg", "job"], ["--info", "defaults"], ["--info"], ["-p", "model", "--resolve"]])
def test_options_of_hydra_may_stand_anywhere(flags: list[str]) -> None:
    settings = ["job=train", "seed=1,2"]
    for given in ([*settings, *flags], [*flags, *settings], [settings[0], *flags, settings[1]]):
        assert _options_first(given) == [*flags, *settings]


@pytest.mark.parametrize("arguments", [["job=convert"], ["convert"]])
def test_a_job_by_name_is_the_setting_job(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["splatsr", *arguments])
    assert main() == 1
    assert capsys.readouterr().err.startswith("error: job=convert needs checkpoint=")
    assert sys.argv == ["splatsr", "job=convert"]
