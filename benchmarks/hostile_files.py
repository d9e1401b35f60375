"""What files from anywhere can do: models, checkpoints, and what runs leave behind, forged or damaged.

    python benchmarks/hostile_files.py            # 400 files, ten minutes on one core

A quarter of each: a saved model whose description is another (classes and functions of this package and of others, sizes,
types, depth); a saved model with other bytes, cut off or longer; a checkpoint with other bytes, with code, or that inflates;
a finished run in which one file is other text, other JSON, other YAML or nothing. Each is read by the command that reads it in
a process of its own. Nothing may be written but its own results, nothing run, no memory taken beyond a bound; what it says is
one line, or it works. Writes its table in docs/reliability.md.
"""

import argparse
import copy
import json
import os
import pickle
import random
import resource
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from forked_command import Outcome, call, prepare, run
from section import RELIABILITY, write_results, write_section
from small_jobs import JOBS, MODEL, make_home
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import KEY, save_model
from splatsr.commands import front_door
from splatsr.disk.markdown import markdown_table
from splatsr.errors import InputError
from splatsr.runs import command_line
from splatsr.runs.configuration import compose

SECONDS, MIB = 60.0, 1024
"""Bounds of one file: time, and memory beyond that of the process before."""

TARGETS = (
    "os.system", "builtins.eval", "subprocess.run", "pathlib.Path.write_text", "torch.load", "torch.save", "torch.nn.Linear",
    "splatsr.heads.dictionary.save_dictionary", "splatsr.heads.dictionary.file_dictionary", "splatsr.models.bicubic.os.system",
    "splatsr.disk.whole_file.write_text", "splatsr.jobs.train.train", "splatsr.runs.command_line.main", "splatsr", "", "..", 3,
    None, [], "splatsr.models.continuoussr", "splatsr.encoders.edsr.EDSR", "splatsr.models.liif.LIIF", "__main__.main",
)  # fmt: skip

VALUES = (
    -1, 0, 3, 10**7, 10**30, -(10**30), 1e308, float("nan"), float("inf"), None, True, "", "text", "../../x", [], [1], [[]], {},
    {"_target_": "os.system", "command": "touch executed"}, [10**9] * 3, "9" * 5000,
)  # fmt: skip


TEXTS = (
    b"", b"[]", b"[1, 2]", b"3", b"null", b"{}", b'{"schema": 2}', b"a: &a [*a]", b"[" * 50_000, b"!!python/name:os.system",
    b"\xff\xfe", b'{"schema": ' + b"9" * 5000 + b"}", b"a: !!timestamp x", b'a: !!int ""', b"!!bool x", b"a: " + b"9" * 5000,
    b"NaN", bytes(99), '{"schema": 2}'.encode("utf-16"), b'\xef\xbb\xbf{"schema": 2}', b'why: "a\\nb\\e[2J"',
)  # fmt: skip

RUN_FILES = (
    ("train-run/config.yaml", "resume"), ("train-run/metrics.json", "table"), ("train-run/overrides.yaml", "table"),
    ("fit_prior-run/config.yaml", "dictionary"), ("fit_prior-run/fields/00003.json", "dictionary"),
    ("fit_prior-run/fields/00003.safetensors", "dictionary"), ("train-run/config.yaml", "evaluate"),
    ("train-run/overrides.yaml", "ablations"), ("train-run/metrics.json", "ablations"), ("train-run/config.yaml", "ablations"),
    ("fit_prior-run/config.yaml", "sensitivity"), ("fit_prior-run/fields/00003.json", "sensitivity"),
    ("fit_prior-run/fields/00003.safetensors", "sensitivity"), ("fit_prior-run/fields/00003.json", "fit_prior"),
    ("fit_prior-run/fields/00003.safetensors", "fit_prior"), ("fit_prior-run/config.yaml", "fit_prior"),
    ("train-run/env.txt", "resume"), ("train-run/logs/version_0/metrics.csv", "resume"), ("train-run/overrides.yaml", "resume"),
    ("train-run/config.yaml", "publish"), ("train-run/overrides.yaml", "publish"), ("train-run/metrics.json", "publish"),
    ("train-run/model.safetensors", "publish"), ("train-run/state.yaml", "ablations"), ("many/state.yaml", "multirun"),
    ("many/0/state.yaml", "multirun"), ("many/0/overrides.yaml", "multirun"), ("many/0/config.yaml", "multirun"),
    ("many/0/metrics.json", "multirun"), ("many/multirun.yaml", "multirun"), ("prepared/*/images-2.jsonl", "prepare"),
    ("prepared/*/pixels.u8", "prepare"),
)  # fmt: skip
"""Files of finished runs, and what reads them."""

MULTIRUN = ("-m", *JOBS["evaluate"].arguments[:-1], "scales=[2]", "pictures=0", "seed=0,1", "hydra/launcher=basic")


FINISHED = ("train-run", "fit_prior-run", "many", "prepared")


class _Runs:
    """A pickle that runs a command when it is loaded carelessly."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


class Forger:
    """Makes hostile files of good ones.

    Args:
        home: with a model, and the finished runs train-run and fit_prior-run.
        seed: of everything.
    """

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self.random = home, random.Random(seed)
        self.config = compose(*MODEL)["model"]

    def described(self, folder: Path) -> list[str]:
        """A model whose description is another."""
        config = copy.deepcopy(self.config)
        for _ in range(self.random.randint(1, 2)):
            node, key = self.random.choice(list(_places(config)))
            wanted = TARGETS if key == "_target_" and self.random.random() < 0.9 else VALUES
            node[key] = self.random.choice(wanted)
        if self.random.random() < 0.1:
            for _ in range(self.random.choice([20, 900, 5000])):
                config = {"_target_": self.config["_target_"], "encoder": config}
        path = folder / "model.safetensors"
        save_model(build(self.config), {}, path)
        return _load(path, _with_description(path, _json(config)))

    def damaged(self, folder: Path) -> list[str]:
        """A model's file with other bytes."""
        path = folder / "model.safetensors"
        path.write_bytes(self._mutated((self.home / "model.safetensors").read_bytes()))
        return _load(path)

    def checkpoint(self, folder: Path) -> list[str]:
        """A checkpoint with other bytes, with code, or that inflates."""
        path, kind = (
            folder / "last.ckpt",
            self.random.choice(["bytes", "bytes", "code", "zip of code", "inflates", "other", "state"]),
        )
        if kind == "bytes":
            path.write_bytes(self._mutated((self.home / "train-run/checkpoints/last.ckpt").read_bytes()))
        elif kind == "code":
            path.write_bytes(pickle.dumps({KEY: _Runs(), "state_dict": {}}, protocol=self.random.choice([0, 2, 4])))
        elif kind == "zip of code":
            torch.save({KEY: {"model": self.config}, "state_dict": _Runs()}, path)
        elif kind == "inflates":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("archive/data.pkl", bytes(2**28 if self.random.random() < 0.5 else 2**24))
        elif kind == "state":
            content = torch.load(self.home / "train-run/checkpoints/last.ckpt", map_location="cpu", weights_only=True)
            part = self.random.choice(sorted(set(content) - {"state_dict"}))
            node, key = self.random.choice([(content, part), *_places(content[part])])
            node[key] = self.random.choice([*VALUES[:15], torch.zeros(3)])
            torch.save(content, path)
        else:
            content = [{"state_dict": 3}, {}, [], 3, {KEY: {"model": self.config}, "state_dict": {"model.x": "text"}}, None]
            torch.save(self.random.choice(content), path)
        if self.random.random() < 0.5:
            return _load(path)
        run = folder / "run"
        shutil.copytree(self.home / "train-run", run)
        shutil.move(path, run / "checkpoints/last.ckpt")
        (run / "metrics.json").unlink()
        return JOBS["train"].command(self.home, run, f"resume={run}")

    def run_file(self, folder: Path) -> list[str]:
        """A finished run in which one file is not what it was."""
        name, kind = self.random.choice(RUN_FILES)
        for finished in FINISHED:
            shutil.copytree(self.home / finished, folder / finished)
        if kind == "fit_prior":  # it is not finished, and goes on
            (folder / "fit_prior-run/statistics.json").unlink()
            (folder / "fit_prior-run/fields/00004.json").unlink()
        if "*" in name:
            name = str(next(folder.glob(name)).relative_to(folder))
        good = (folder / name).read_bytes() if (folder / name).is_file() else b"state: failed\nwhy: it was killed\n"
        other = self.random.choice([self._mutated(good), self.random.choice(TEXTS), self._other_values(good)])
        (folder / name).write_bytes(other)
        train, prior = folder / "train-run", folder / "fit_prior-run"
        commands = {
            "resume": JOBS["train"].command(self.home, train, f"resume={train}", "trainer.max_epochs=5"),
            "table": ["job=table", "table=table1", f"runs=[{train}]", "hydra.run.dir=results"],
            "ablations": ["job=ablations", f"runs=[{folder}]", "hydra.run.dir=results"],
            "dictionary": ["job=dictionary", f"input={prior}", "output=results/d.safetensors"],
            "evaluate": JOBS["evaluate"].command(self.home, train),
            "sensitivity": ["job=sensitivity", f"input={prior}", "prior.sensitivity.seeds=1", "hydra.run.dir=results"],
            "fit_prior": JOBS["fit_prior"].command(self.home, prior, f"resume={prior}"),
            "publish": ["splatsr", "publish", str(train), "--to", "results", *self.random.choice([[], ["--licence", "MIT"]])],
            "multirun": [*(one.replace("{home}", str(self.home)) for one in MULTIRUN), f"resume={folder}/many"],
            "prepare": JOBS["prepare"].command(self.home, folder / "prepared"),
        }
        return commands[kind]

    def _mutated(self, content: bytes) -> bytes:
        damaged = bytearray(content)
        for _ in range(self.random.choice([1, 1, 3, 50])):
            reach = len(damaged) if self.random.random() < 0.5 else min(len(damaged), 4000)
            damaged[self.random.randrange(reach)] = self.random.randrange(256)
        cut = self.random.random()
        if cut < 0.2:
            return bytes(damaged[: self.random.randrange(len(damaged))])
        return bytes(damaged) + (b"x" * self.random.randrange(1, 5000) if cut > 0.9 else b"")

    def _other_values(self, content: bytes) -> bytes:
        """JSON or YAML in which one value is another."""
        try:
            value = json.loads(content)
        except ValueError:
            return self._mutated(content)
        if not isinstance(value, dict):
            return b"{}"
        node, key = self.random.choice(list(_places(value)))
        node[key] = self.random.choice(VALUES)
        return _json(value).encode()


KINDS = ("described", "damaged", "checkpoint", "run_file")
"""Methods of the forger."""


def _places(node: Any) -> Any:
    """Every (mapping, key) in nested values."""
    if isinstance(node, dict):
        for key in node:
            yield node, key
            yield from _places(node[key])


def _json(value: Any) -> str:
    """JSON, however deep."""
    depth, inner = 0, value
    while isinstance(inner, dict) and set(inner) == {"_target_", "encoder"}:
        depth, inner = depth + 1, inner["encoder"]
    if depth < 100:
        return json.dumps({"model": value})
    start = json.dumps({"_target_": value["_target_"]})[:-1] + ', "encoder": '
    return '{"model": ' + start * depth + json.dumps(inner) + "}" * (depth + 1)


def _with_description(path: Path, description: str) -> Path:
    """Puts another description into a safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = {KEY: description}
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + content[8 + length :])
    return path


def _load(path: Path, _: Path | None = None) -> list[str]:
    return ["load", str(path)]


def load(path: str) -> int:
    """What a user of the library does with a model's file; a refusal is one line, as on the command line."""
    import splatsr

    try:
        image = splatsr.load(path)(torch.rand(1, 3, 9, 8)).render(scale=2)
    except InputError as error:
        if "\n" in str(error):
            raise
        os.write(2, f"error: {error}\n".encode("utf-8", "replace"))
        return 1
    return 0 if image.isfinite().all() and image.shape == (1, 3, 18, 16) else 71


def measured(work: Callable[[], int]) -> int:
    """`work`; 72 where it takes more memory than it may."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code = work()
    return 72 if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 > MIB else code


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file's size and time."""
    stats = {str(path): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


def try_one(arguments: list[str], work: Path) -> Outcome:
    """One command in its own folder."""
    if arguments[0] == "load":
        return call(lambda: measured(lambda: load(arguments[1])), folder=work, seconds=SECONDS)
    if arguments[0] == "splatsr":
        return call(lambda: measured(lambda: front_door.main(arguments[1:])), folder=work, seconds=2 * SECONDS)

    def job() -> int:
        command_line.sys.argv = ["run.py", *arguments]
        return command_line.main()

    return call(lambda: measured(job), folder=work, seconds=2 * SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Reads forged and damaged files; rewrites the docs' table.")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    arguments = parser.parse_args()
    prepare()
    faults, rows = [], []
    with tempfile.TemporaryDirectory() as given:
        home = make_home(Path(given))
        commands = [JOBS[job].command(home, home / f"{job}-run") for job in ("train", "fit_prior")]
        commands.append(JOBS["prepare"].command(home, home / "prepared"))
        commands.append([*(one.replace("{home}", str(home)) for one in MULTIRUN), f"hydra.sweep.dir={home}/many"])
        for command in commands:
            if (made := run(command, folder=home, seconds=300)).code:
                raise SystemExit(made.err)
        forger, good = Forger(home, arguments.seed), listing(home)
        for forge in (getattr(forger, kind) for kind in arguments.kinds):
            counts = {"files": forge.__doc__, "tried": arguments.files // 4, "one line": 0, "worked": 0, "faults": 0}
            for index in range(arguments.files // 4):
                with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
                    command = forge(Path(folder))
                    outcome = try_one(command, Path(work))
                    executed = [str(path) for path in Path(work).rglob("executed")]
                    outside = [name for name in listing(Path(work)) if "/results/" not in name and "/outputs/" not in name]
                    fine = (outcome.is_one_line or outcome.code == 0) and not outcome.has_traceback and not outcome.late
                    counts["one line"] += outcome.is_one_line
                    counts["worked"] += outcome.code == 0
                    if not fine or executed or outside or listing(home) != good:
                        counts["faults"] += 1
                        faults.append(f"{forge.__name__} {index}: {command[-3:]} {outcome} {executed} {outside}")
            rows.append(counts)
            print(counts, flush=True)
    for fault in faults:
        print(fault[:3000])
    command = f"python benchmarks/hostile_files.py --files {arguments.files} --seed {arguments.seed}"
    made_by = write_results("hostile_files", command, rows=rows, faults=len(faults))
    table = markdown_table(list(rows[0]), [list(map(str, row.values())) for row in rows], text_columns=1)
    text = f"{made_by}; bounds: {SECONDS:.0f} s and {MIB} MiB a file.\n\n{table}"
    print(text)
    if arguments.kinds == KINDS:
        write_section("hostile files", text, RELIABILITY)


if __name__ == "__main__":
    main()
