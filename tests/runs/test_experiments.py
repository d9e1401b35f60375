"""Every experiment runs through with debug=tiny, and the paper's experiments are the paper's."""

import itertools
import json
import sys
from pathlib import Path

import hydra
import numpy as np
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.data.module import PhotoData
from splatsr.image_files.writing import write_image
from splatsr.runs.command_line import main
from splatsr.runs.configuration import CONF, instantiate
from splatsr.splatting.footprint import described
from tiny_runs import make_archive

SLOW = {
    "ours_ultra", "small_released", "mambasr", "lit", "gsasr", "gsasr_enhanced", "gsasr_ultra", "linf_patch",
    "linf_patch_fine_tuned", "fixed_scale_rdn", "fixed_scale_swinir", "gaussiansr_ablation/bank",
    "gaussiansr_ablation/channels", "rain/ciaosr", "rain/gaussiansr", "rain/liif", "coz/continuoussr", "ours", "lmi", "linf",
    *(f"compare/{path.stem}" for path in (CONF / "experiment/compare").glob("*.yaml")),
} - {"compare/mambasr", "compare/gsasr"}  # fmt: skip
"""For `make slow`: they differ from another one in numbers and encoders, or take the longest; one of each model is left."""
NARROWER = (
    {name: ("model.encoder.growth=4", "supervision.count=256") for name in ("itsrn", "diinn")}
    | {"clit": ("model.width=32", "supervision.count=256")}
    | {name: ("model.encoder.growth=4", "model.encoder.blocks=2") for name in ("linf_patch", "linf_patch_fine_tuned")}
    | {
        name: ("model.decoder.channels=24", "model.decoder.injection=[2]", "model.decoder.interaction=[2]")
        for name in ("gsasr", "gsasr_enhanced", "gsasr_ultra")
    }
)
"""RDN and RRDB are as wide as their growth, which debug=tiny leaves alone. CLIT's stages and GSASR's decoder cost the more."""
EXPERIMENTS = [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in sorted(str(path.relative_to(CONF / "experiment").with_suffix("")) for path in CONF.glob("experiment/**/*.yaml"))
    if not name.startswith("ablation/")
]
ABLATIONS = sorted(path.stem for path in (CONF / "experiment/ablation").glob("*.yaml"))
SHORT = ("trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1", "data.batches_per_epoch=1")
DISTINCT = {  # members that run something that no other experiment does; the others differ from these in numbers
    "ablation/modules": ["model/shapes=regressed_tiny", "model/positions=free_tiny"],
    "ablation/gradient": ["supervision=crops_published_gradient"],
    "ablation/kernels_per_pixel": ["model.kernels_per_pixel=9"],
}
TREE = ("DIV2K/DIV2K_train_HR/0001.png", "DIV2K/DIV2K_valid_HR/0801.png", "Flickr2K/Flickr2K_HR/000001.png")
PARTS = ("SA-1B/sa_000000/sa_1.jpg", "SA-1B/sa_000001/sa_2.jpg")


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    return main()


def photo_data(*overrides: str) -> PhotoData:
    return instantiate(settings_of(*overrides)["data"], "data")


def files_tested(data: PhotoData) -> dict[str, list[Path]]:
    return {name: [image.path for image in images] for name, images in data.test_sets.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The three data sets, one or two images of 24x30 pixels each."""
    for location in (*TREE, *PARTS):
        write_image(tmp_path / "sets" / location, np.full((24, 30, 3), 100, np.uint8))
    for part in PARTS:
        make_archive((tmp_path / "sets" / part).parent)
    return tmp_path / "sets"


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("name", [*EXPERIMENTS, *DISTINCT])
def test_every_experiment_runs_through(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    more = {**NARROWER, **DISTINCT}.get(name, ())
    assert run(monkeypatch, tmp_path, f"experiment={name}", "debug=tiny", *SHORT, *more) == 0
    (results,) = (tmp_path / "outputs/debug" / name).glob("*/metrics.json")
    assert json.loads(results.read_text())["sets"]["small"]["x8"]["images"] == 1
    assert not (tmp_path / "outputs/train").exists(), "resume=auto would find it"


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_is_one_frame_with_values_to_exchange(name: str) -> None:
    """Every listed value composes; the files add to the frame what is varied and nothing else; the paper's frame fits too."""
    params = yaml.safe_load((CONF / f"experiment/ablation/{name}.yaml").read_text())["hydra"]["sweeper"]["params"]
    assert params["seed"] == "0,1,2"
    parsed = OverridesParser.create().parse_overrides([f"{key}={values}" for key, values in params.items() if key != "seed"])
    lists = [[f"{one.key_or_group}={value}" for value in one.sweep_string_iterator()] for one in parsed]
    frame = settings_of("frame=small")
    for row in itertools.zip_longest(*lists):
        settings = settings_of(f"experiment=ablation/{name}", *(one or first[0] for one, first in zip(row, lists, strict=True)))
        assert {key for key in frame if frame[key] != settings[key]} <= {"model", "data", "supervision"}
    paper = settings_of(f"experiment=ablation/{name}", "frame=paper", *(one[-1] for one in lists))
    assert paper["model"]["encoder"]["_target_"] == "splatsr.encoders.hat.HAT"
    assert (paper["trainer"]["max_epochs"], paper["optimizer"]["lr"]) == (1000, 1e-4)


def test_liif_has_the_papers_numbers_and_its_neighbours_differ_in_the_model_alone() -> None:
    liif, metasr, lte = (settings_of(f"experiment={name}") for name in ("liif", "metasr", "lte"))
    data, trainer = liif["data"], liif["trainer"]
    assert (data["patch"], data["patch_of"], data["scale_range"], data["scale_per"]) == (48, "lr", [1, 4], "crop")
    assert data["batch_size"] * data["batches_per_epoch"] == 20 * 800
    assert liif["supervision"]["count"] == 48**2
    assert (liif["optimizer"]["lr"], liif["schedule"]["at_epochs"], liif["schedule"]["factor"]) == (
        1e-4,
        [200, 400, 600, 800],
        0.5,
    )
    assert (trainer["max_epochs"], trainer["precision"], trainer["gradient_clip_val"]) == (1000, "32-true", None)
    assert "averaging" not in liif["callbacks"]
    for other, method in ((metasr, "MetaSR"), (lte, "LTE")):
        assert {key for key in liif if liif[key] != other[key]} == {"model"}
        assert other["model"]["_target_"].endswith(method)
        assert other["model"]["encoder"] == liif["model"]["encoder"]


def test_gaussiansr_is_trained_as_liif_is_but_for_its_scales_and_twice_the_epochs() -> None:
    liif, ours = settings_of("experiment=liif"), settings_of("experiment=gaussiansr")
    assert {key for key in liif if liif[key] != ours[key]} == {"model", "data", "trainer", "scales", "schedule"}
    assert ours["data"] == {**liif["data"], "scale_per": "batch"}
    assert ours["trainer"] == {**liif["trainer"], "max_epochs": 2000}


@pytest.mark.parametrize(
    ("name", "key", "values"), [("bank", "bank.kernels", "64,100,400,900"), ("channels", "splatted", "0,8,16")]
)
def test_the_ablations_of_gaussiansr_differ_in_one_key(name: str, key: str, values: str) -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose("run", overrides=[f"experiment=gaussiansr_ablation/{name}"], return_hydra_config=True)
    assert dict(cfg.hydra.sweeper.params) == {f"model.{key}": values}
    for value in values.split(","):
        settings = settings_of("model=gaussiansr", "model.encoder.blocks=1", f"model.{key}={value}")
        build(settings["model"])


def test_aliif_is_liif_with_half_the_batch() -> None:
    liif, aliif = (settings_of(f"experiment={name}") for name in ("liif", "aliif"))
    assert {key for key in liif if liif[key] != aliif[key]} == {"model", "data", "seed"}
    changed = {key: aliif["data"][key] for key in liif["data"] if liif["data"][key] != aliif["data"][key]}
    assert changed == {"batch_size": 8, "batches_per_epoch": 20 * 800 // 8, "seed": 49}
    assert aliif["model"]["encoder"] == liif["model"]["encoder"]


def test_itsrn_is_liif_with_the_papers_encoder_images_and_rates() -> None:
    liif, itsrn = (settings_of(f"experiment={name}") for name in ("liif", "itsrn"))
    assert {key for key in liif if liif[key] != itsrn[key]} == {
        "model", "data", "optimizer", "schedule", "protocol", "callbacks", "scales", "seed",
    }  # fmt: skip
    names = ("root", "test_root", "cache", "train", "test", "low_resolution", "seed")
    assert {key for key in liif["data"] if liif["data"][key] != itsrn["data"][key]} <= set(names)
    assert itsrn["model"]["encoder"]["_target_"].endswith("RDN")
    assert (itsrn["optimizer"]["lr"], itsrn["schedule"]["factor"]) == (2e-4, 0.5)
    assert itsrn["schedule"]["at_epochs"] == [100, 200, 400, 600, 800]


def test_diinn_has_the_papers_numbers() -> None:
    settings = settings_of("experiment=diinn")
    data, trainer = settings["data"], settings["trainer"]
    assert (data["patch"], data["patch_of"], data["scale_range"], data["scale_per"]) == (48, "lr", [2, 4], "crop")
    assert data["scale_distribution"] == "whole"
    assert list(data["degradation"]) == ["torchvision"]
    assert data["batch_size"] * data["batches_per_epoch"] == 3 * 20 * 800
    assert settings["supervision"]["count"] == (2 * 48) ** 2
    assert (settings["optimizer"]["lr"], settings["schedule"]["every_epochs"], settings["schedule"]["factor"]) == (
        1e-4,
        10,
        0.5,
    )
    assert (trainer["max_epochs"], trainer["precision"], trainer["gradient_clip_val"]) == (50, "32-true", None)
    assert settings["model"]["encoder"]["_target_"].endswith("RDN")
    assert settings["model"]["hidden"] == [256] * 4
    assert settings["protocol"]["name"] == "D"
    assert "averaging" not in settings["callbacks"]


def test_the_comparison_differs_in_model_samples_and_steps_alone() -> None:
    frame = settings_of("experiment=compare/continuoussr")
    for name in sorted(path.stem for path in (CONF / "experiment" / "compare").glob("*.yaml")):
        settings = settings_of(f"experiment=compare/{name}")
        own = {"loss", "optimizer"} if name == "linf" else set()  # a likelihood, at a quarter of the rate, clipped tightly
        assert settings["optimizer"] == {**frame["optimizer"], **({"lr": 2e-4} if name == "linf" else {})}
        assert {key for key in frame if frame[key] != settings[key]} <= {"model", "supervision", "trainer"} | own
        lengths = {"max_epochs", "check_val_every_n_epoch", *({"gradient_clip_val"} if name == "linf" else set())}
        assert {key for key in frame["trainer"] if frame["trainer"][key] != settings["trainer"][key]} <= lengths
        body = [settings["model"]["encoder"][key] for key in ("_target_", "channels", "blocks")]
        assert body == [frame["model"]["encoder"][key] for key in ("_target_", "channels", "blocks")]


@pytest.mark.parametrize(
    ("experiment", "measured"),
    [("compare/continuoussr", "comparison/continuoussr_107epochs_seed*.json"),
     ("ablation/gradient", "ablations/*gradient*/metrics.json"), ("tiny_released", "tables/tiny/metrics.json")],
)  # fmt: skip
def test_pixels_are_what_they_were_when_an_experiment_was_measured(experiment: str, measured: str) -> None:
    found = [json.loads(path.read_text()) for path in (CONF.parent / "docs" / "results").glob(measured)]
    if not found:
        pytest.skip("not in a checkout")
    model = settings_of(f"experiment={experiment}")["model"]
    assert {one["rendering"] for one in found} == {described(model["reference_scale"])}


def test_ours_plus_has_the_papers_numbers() -> None:
    settings = settings_of("experiment=ours_plus")
    data, model, trainer = settings["data"], settings["model"], settings["trainer"]
    assert (data["patch"], data["scale_range"], data["batch_size"]) == (256, [4, 8], 64)
    assert data["train"] == ["DIV2K/DIV2K_train_HR", "Flickr2K/Flickr2K_HR"]
    assert data["batches_per_epoch"] == round((800 + 2650) / data["batch_size"])
    assert settings["optimizer"] == {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-4, "betas": [0.9, 0.999]}
    assert settings["schedule"]["_target_"] == "splatsr.training.schedules.step"
    assert (settings["schedule"]["every_epochs"], settings["schedule"]["factor"]) == (100, 0.5)
    assert (trainer["max_epochs"], trainer["precision"], trainer["gradient_clip_val"]) == (1000, "32-true", None)
    assert settings["loss"] == {"_target_": "splatsr.training.losses.L1WithFrequency", "weight": 0.1}
    assert "averaging" not in settings["callbacks"]
    assert settings["protocol"]["name"] == "L-pil-div2k"
    assert model["encoder"]["_target_"] == "splatsr.encoders.hat.HAT"
    assert (model["encoder"]["channels"], model["encoder"]["depths"], model["encoder"]["window"]) == (180, [6] * 6, 16)
    assert (model["kernels_per_pixel"], model["shapes"]["embedding"], model["positions"]["offset_range"]) == (4, 512, 1.0)
    assert len(model["colors"]["hidden"]) + 1 == 6
    assert not model["colors"]["skip"]
    assert model["initialisation"]["_target_"] == "splatsr.heads.initialisation.published"


def test_ours_and_ours_ultra_differ_where_the_paper_says() -> None:
    plus, ours, ultra = (settings_of(f"experiment={name}") for name in ("ours_plus", "ours", "ours_ultra"))
    assert ours["model"]["encoder"]["_target_"] == "splatsr.encoders.swinir.SwinIR"
    assert ours["loss"] == {"_target_": "torch.nn.L1Loss"}
    assert (ours["data"]["train"], ours["data"]["batch_size"]) == ("DIV2K/DIV2K_train_HR", 128)
    assert ultra["model"]["encoder"] == {**plus["model"]["encoder"], "depths": [6] * 12, "heads": [6] * 12}
    assert ultra["data"]["train"] == "SA-1B"
    for key in ("optimizer", "schedule", "trainer", "callbacks", "protocol", "scales"):
        assert ours[key] == plus[key] == ultra[key]
    assert ultra["loss"] == plus["loss"]


@pytest.mark.parametrize(("name", "training"), [("ours", TREE[:1]), ("ours_plus", (TREE[0], TREE[2]))])
def test_a_right_tree_gives_the_right_files(name: str, training: tuple[str, ...], root: Path) -> None:
    data = photo_data(f"experiment={name}", f"data.root={root}", "data.patch=24", "data.scale_range=[2,3]")
    assert files_tested(data) == {"DIV2K_valid_HR": [root / TREE[1]]}
    data.prepare_data()
    data.setup("fit")
    assert data.training_images() == [root / location for location in training]
    assert len(data.crops.photographs) == len(training)


def test_archives_are_trained_on_as_they_are_downloaded(root: Path) -> None:
    small = (f"data.root={root}", "data.patch=24", "data.scale_range=[2,3]")
    data = photo_data("experiment=ours_ultra", *small)
    assert files_tested(data) == {"DIV2K_valid_HR": [root / TREE[1]]}
    data.prepare_data()
    data.setup("fit")
    assert len(data.crops.photographs) == len(PARTS)
    data = photo_data("data=sa1b", *small, "data.train=[SA-1B/sa_000001.tar]")
    data.setup("fit")
    assert len(data.crops.photographs) == 1


def test_parts_of_a_set_can_be_named(root: Path) -> None:
    data = photo_data("data=sa1b", f"data.root={root}", "data.train=[SA-1B/sa_000001]", "data.shards=false")
    assert data.training_images() == [root / PARTS[1]]


def test_a_missing_tree_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()

    def refusal(*arguments: str) -> str:
        assert run(monkeypatch, home, *arguments) == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert not [path for path in home.rglob("metrics.json")] + [path for path in home.rglob("env.txt")]
        return line

    line = refusal("experiment=ours_plus")
    assert line.startswith("error: datasets lacks DIV2K/DIV2K_train_HR, Flickr2K/Flickr2K_HR, DIV2K/DIV2K_valid_HR; expected")
    (home / "empty").mkdir()
    assert "empty/Flickr2K/Flickr2K_HR/<images>" in refusal("experiment=ours_plus", "data.root=empty")
    (root / TREE[2]).unlink()
    (root / TREE[2]).parent.rmdir()
    assert f"{root} lacks Flickr2K/Flickr2K_HR; expected tree" in refusal("experiment=ours_plus", f"data.root={root}")


def test_measuring_needs_the_test_images_only(root: Path) -> None:
    (root / TREE[0]).unlink()
    (root / TREE[0]).parent.rmdir()
    assert files_tested(photo_data("data=div2k", f"data.root={root}")) == {"DIV2K_valid_HR": [root / TREE[1]]}


def test_debugging_brings_its_own_photographs_unless_the_command_line_names_some(photographs: Path) -> None:
    assert settings_of("experiment=ours", "debug=tiny")["data"]["test"] == settings_of("data=small")["data"]["test"]
    given = settings_of("experiment=ours", "debug=tiny", "data=folder", f"data.train={photographs}", f"data.test={photographs}")
    assert (given["data"]["train"], given["data"]["test"]) == (str(photographs), str(photographs))
    assert settings_of("experiment=ours", "debug=tiny", "data=df2k")["data"]["test"] == "DIV2K/DIV2K_valid_HR"
    assert given["data"]["batches_per_epoch"] == 2
