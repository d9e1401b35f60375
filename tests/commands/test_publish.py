import errno
from pathlib import Path

import pytest
import yaml

from splatsr import InputError, load
from splatsr.commands.publish import publish
from splatsr.disk.whole_file import write_yaml
from splatsr.released.catalogue import catalogue
from splatsr.runs.configuration import compose


def front_matter(folder: Path) -> dict:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


@pytest.fixture
def run(tiny_file: Path, tmp_path: Path) -> Path:
    """The folder of a run, without figures."""
    folder = tmp_path / "run"
    (folder / "pictures").mkdir(parents=True)
    tiny_file.rename(folder / "model.safetensors")
    write_yaml(folder / "config.yaml", compose("data=folder", "data.train=/home/me/photographs"))
    write_yaml(folder / "overrides.yaml", ["data=folder", "data.train=/home/me/photographs", "hydra.run.dir=/home/me/run"])
    (folder / "pictures" / "psnr.png").touch()
    return folder


def test_a_known_model_is_published_with_its_figures(tmp_path: Path) -> None:
    publish(["tiny", "--to", str(tmp_path / "new")])
    known = catalogue()["tiny"]
    assert front_matter(tmp_path / "new")["license"] == known.licence.lower()
    page = (tmp_path / "new" / "README.md").read_text()
    assert f"| x4 | psnr_y | {known.figures['x4']['bicubic_psnr_y']:.2f} |" in page
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["LICENSE", "README.md", "model.safetensors"]
    same = zip(load("tiny").parameters(), load(tmp_path / "new" / "model.safetensors").parameters(), strict=True)
    assert all(one.equal(other) for one, other in same)


def test_a_card_says_how_its_training_went(run: Path, tmp_path: Path) -> None:
    (run / "env.txt").write_text("date: 2026-01-02 03:04:05\nseed: 7\ncommit: abc1234\nmachine: a calculator, 2 cores\n")
    for version, lines in enumerate((["9,4.0", "19,2.0", "29,"], ["19,8.0", "39,4.0"])):  # killed after 19, gone on from 10
        log = run / "logs" / f"version_{version}"
        log.mkdir(parents=True)
        (log / "metrics.csv").write_text("\n".join(["step,train/images_per_second", *lines]) + "\n")
    publish([str(run), "--to", str(tmp_path / "new"), "--licence", "CC-BY-4.0"])
    page = (tmp_path / "new" / "README.md").read_text()
    for fact in ("- seed: 7\n", "- commit: abc1234\n", "- machine: a calculator, 2 cores\n"):
        assert fact in page
    seconds = round(40 * 8 * (1 / 4 + 1 / 8 + 1 / 4) / 3)  # 40 steps of 8 crops
    assert f"- length: 40 steps, {seconds} s\n" in page


def test_a_run_is_published_without_places_of_this_machine(run: Path, tmp_path: Path) -> None:
    publish([str(run), "--to", str(tmp_path / "new"), "--licence", "CC-BY-4.0"])
    page = (tmp_path / "new" / "README.md").read_text()
    assert front_matter(tmp_path / "new")["license"] == "cc-by-4.0"
    assert "splatsr train data=folder data.train=<folder>\n" in page
    assert "Photographs: `photographs`." in page
    assert "![PSNR over the scale](psnr.png)" in page
    assert (tmp_path / "new" / "psnr.png").is_file()
    assert "None have been measured" in page
    assert "/home/me" not in page


def test_without_a_licence_nothing_is_written(run: Path, tmp_path: Path) -> None:
    for model in (run, run / "model.safetensors"):
        with pytest.raises(InputError, match="nothing says under which licence"):
            publish([str(model), "--to", str(tmp_path / "new")])
    with pytest.raises(InputError, match="is no SPDX name"):
        publish([str(run), "--to", str(tmp_path / "new"), "--licence", "do what you want"])
    assert not (tmp_path / "new").exists()
    write_yaml(run / "config.yaml", compose("data=folder", "data.train=x", "data.licence=CC0-1.0"))
    publish([str(run), "--to", str(tmp_path / "new")])
    assert (tmp_path / "new" / "LICENSE").read_text() == "SPDX-License-Identifier: CC0-1.0\n"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        publish(["tiny", "--to", str(tmp_path)])


def test_only_upload_leaves_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[tuple[Path, str]] = []
    monkeypatch.setattr("splatsr.released.hub.upload", lambda folder, name: sent.append((folder, name)) or f"hf:{name}")
    publish(["tiny", "--to", str(tmp_path / "one")])
    assert not sent
    publish(["tiny", "--to", str(tmp_path / "two"), "--upload", "me/tiny"])
    assert sent == [(tmp_path / "two", "me/tiny")]
    assert "splatsr.load('hf:me/tiny')" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["metrics.json", "overrides.yaml"])
def test_a_run_whose_record_is_damaged_leaves_no_half_folder(file: str, run: Path, tmp_path: Path) -> None:
    (run / file).write_text('{"schema')
    (tmp_path / "empty").mkdir()
    for folder in ("new", "empty"):
        with pytest.raises(InputError, match=f"{file} is damaged"):
            publish([str(run), "--to", str(tmp_path / folder), "--licence", "MIT"])
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_licence_that_is_no_text_is_one_line(run: Path, tmp_path: Path) -> None:
    write_yaml(run / "config.yaml", {"data": {"licence": 3}})
    with pytest.raises(InputError, match="the licence 3 is no SPDX name"):
        publish([str(run), "--to", str(tmp_path / "new")])


def test_a_full_disk_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("splatsr.checkpoints.files.save_model", full)
    with pytest.raises(OSError, match="No space left"):
        publish(["tiny", "--to", str(tmp_path / "deep" / "new")])
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_uploaded_is_found_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("x/../y", "tiny", "a/b/c", ""):
        with pytest.raises(InputError, match="expected owner/name"):
            publish(["tiny", "--to", str(tmp_path / "out"), "--upload", name])
        assert list(tmp_path.iterdir()) == []
