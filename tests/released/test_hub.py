"""Against the functions of huggingface_hub; nothing asks a network."""

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from splatsr import InputError, load
from splatsr.released import hub
from splatsr.released.catalogue import catalogue

REPOSITORY = "somebody/model-x3"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the hub serves, where its cache has it: a link to a blob that is named by what the hub states."""
    weights = catalogue()["tiny"].path
    blob = tmp_path / "blobs" / hashlib.sha256(weights.read_bytes()).hexdigest()
    file = tmp_path / "snapshots" / "model.safetensors"
    for path in (blob, file):
        path.parent.mkdir()
    shutil.copy(weights, blob)
    file.symlink_to(blob)

    def download(repository: str, name: str) -> str:
        if (repository, name) != (REPOSITORY, "model.safetensors"):
            raise errors.LocalEntryNotFoundError("not in the cache")
        return str(file)

    monkeypatch.setattr(hub, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    return file


def test_a_model_of_the_hub_is_downloaded_checked_and_loaded(served: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert type(load(f"hf:{REPOSITORY}")).__name__ == "ContinuousSR"
    assert hub.fetch(f"hf:{REPOSITORY}/model.safetensors") == served
    assert f"model.safetensors of {REPOSITORY}: downloading to" in caplog.text


def test_a_file_that_the_hub_states_otherwise_is_refused(served: Path) -> None:
    served.resolve().write_bytes(b"something else")
    with pytest.raises(InputError, match="is damaged: it is not what the hub states"):
        load(f"hf:{REPOSITORY}")


def test_without_links_the_hub_is_asked(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = served.read_bytes()
    served.unlink()
    served.write_bytes(content)
    stated: list[Any] = [SimpleNamespace(lfs=SimpleNamespace(sha256=hashlib.sha256(content).hexdigest()))]
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(get_paths_info=lambda *_: stated))
    assert hub.fetch(f"hf:{REPOSITORY}") == served
    stated[:] = [SimpleNamespace(lfs=None)]
    with pytest.raises(InputError, match="states no SHA-256"):
        hub.fetch(f"hf:{REPOSITORY}")


def test_offline_says_what_is_wanted_and_where_it_may_lie(served: Path, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "hub" / "a" / "b" / "model.safetensors"
    with pytest.raises(InputError) as refusal:
        load("hf:a/b")
    assert "model.safetensors of a/b is not here and the hub cannot be reached" in str(refusal.value)
    assert str(place) in str(refusal.value)
    assert "://" not in str(refusal.value)
    place.parent.mkdir(parents=True)
    shutil.copy(served, place)
    assert hub.fetch("hf:a/b") == place


def test_without_a_network_nothing_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="cannot be reached"):
        hub.fetch("hf:nobody-at-all/nothing")


@pytest.mark.parametrize("reference", ["hf:", "hf:name", "hf:a/b/../c", "hf:../b", "hf:a/b/", "hf:a b/c"])
def test_what_is_no_name_of_the_hub_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="expected hf:owner/name"):
        hub.fetch(reference)


def test_upload_makes_the_repository_and_says_what_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(huggingface_hub, "create_repo", lambda *given, **more: calls.append((given[0], more)))
    monkeypatch.setattr(huggingface_hub, "upload_folder", lambda **more: calls.append((more["repo_id"], more)))
    assert hub.upload(tmp_path, REPOSITORY) == f"hf:{REPOSITORY}"
    assert [name for name, _ in calls] == [REPOSITORY, REPOSITORY]
    assert calls[1][1]["folder_path"] == str(tmp_path)
