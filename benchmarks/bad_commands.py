"""What command lines with wrong values say, and what they leave behind.

    python benchmarks/bad_commands.py             # 450 command lines, a quarter of an hour on one core
    python benchmarks/bad_commands.py --commands 50 --seed 7

Jobs that would work get one argument that is wrong: a value of another kind for any of their settings, at any depth, a key or
an option that does not exist, or an argument that cannot be read. A refusal is one line and exit code 1 (Hydra's own flags: 2),
and leaves no file and no folder. A value of a kind that its setting cannot have must be refused; where one might be meant (-7,
0), the command may work instead. Writes its table in docs/reliability.md.
"""

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

from forked_command import prepare, run
from section import RELIABILITY, write_results, write_section
from small_jobs import JOBS, SmallJob, make_home
from splatsr.disk.markdown import markdown_table
from splatsr.runs.configuration import compose

SECONDS = 120.0

MORE_JOBS = {
    "table": SmallJob("table", ("job=table", "table=table1", "runs=[{home}/train-run]", "hydra.run.dir={out}"), (), ()),
    "ablations": SmallJob("ablations", ("job=ablations", "runs=[{home}]", "hydra.run.dir={out}"), (), ()),
    "doctor": SmallJob("doctor", ("job=doctor", "data.root={home}"), (), ()),
    "benchmark": SmallJob(
        "benchmark",
        (
            "job=benchmark", "model=bicubic", "benchmark.repetitions=1", "benchmark.average_time.lr_sizes=[[8,8]]",
            "benchmark.average_time.scales=[4]", "benchmark.average_time.seconds=0.1", "benchmark.memory.lr_size=[8,8]",
            "benchmark.memory.scales=[4]", "benchmark.one_scale.scales=[4]", "benchmark.one_scale.hr_side=32",
            "hydra.run.dir={out}",
        ),
        (), (),
    ),
    "dictionary": SmallJob(
        "dictionary", ("job=dictionary", "input={home}/fit_prior-run", "output={out}/d.safetensors"), (), ()
    ),
    "sensitivity": SmallJob(
        "sensitivity",
        ("job=sensitivity", "input={home}/fit_prior-run", "prior.sensitivity.seeds=1", "hydra.run.dir={out}"),
        (), (),
    ),
}  # fmt: skip

WRONG = {
    bool: ("maybe", "3", "[]", "{a:1}", '""'),
    int: ("text", ".nan", "{a:1}", "[1,2]", '""', "10000000000000000000000"),
    float: ("text", ".nan", "{a:1}", "[[]]", '""'),
    str: ("[1,2]", "{a:1}", '""', '" "'),
    list: ("{a:1}", "[.nan]", "[[[]]]", "-3.5", '""'),
    dict: ("3", "[]", "text", '""'),
}
"""Values that a setting which has a value of that type cannot mean."""

DOUBTFUL = ("-7", "0", "null", "[]", "1e308", "true", "99999", "text")

UNREADABLE = (
    "", "=", "=3", "a b", "[", "scale=[1", "scale=1,2", "'", '"', "optimizer.lr==3", "+foo=1", "++foo.bar=1", "~seed",
    "seed=0=1", "experiment=nonsense", "model=nonsense", "+model=tiny", "model=[bicubic,liif]", "data=null",
    "job=nonsense", "job._target_=os.getcwd", "+callbacks.mine._target_=torch.nn.ReLU", "--config-name=nonsense",
    "--config-dir=nowhere", "--cfg", "--nonsense", "-x", "hydra.run.dir=", "hydra.run.dir=/proc/x",
    "hydra.run.dir=/dev/null/x", "hydra/launcher=nonsense", "seed=${nowhere}", "seed=${oc.env:NOWHERE}", "seed=???",
    "optimiser.lr=3", "data.pach=3", "trainer.max_epoch=1", "resume=nowhere", "checkpoint=nowhere.ckpt",
    "checkpoint=/dev/zero", "trainer.devices=0", "trainer.devices=[]", "trainer.devices=-5",
    "trainer.precision=12", "hydra.job.name=a/b", "output=" + "x" * 300 + ".png", "\udcff",
    "seed=\udcff", "model.encoder._target_=subprocess.run",
)  # fmt: skip


def settings_of(job: SmallJob, home: Path) -> list[tuple[str, Any]]:
    """(dotted key, value) of everything that can be set for a job, parts included."""
    arguments = [one for one in job.command(home, home) if not one.startswith("hydra.")]
    return [place for place in _flat(compose(*arguments), "") if not place[0].startswith("run_dir")]


def _flat(node: Any, prefix: str) -> list[tuple[str, Any]]:
    found = []
    for key, value in node.items():
        found.append((f"{prefix}{key}", value))
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{key}.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs command lines with wrong values; rewrites the docs' table.")
    parser.add_argument("--commands", type=int, default=450)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare()
    choose = random.Random(arguments.seed)
    rows: dict[str, dict[str, int | str]] = {}
    faults = []
    with tempfile.TemporaryDirectory() as given:
        home = make_home(Path(given))
        for name in ("train", "fit_prior"):
            if (made := run(JOBS[name].command(home, home / f"{name}-run"), folder=home, seconds=300)).code:
                raise SystemExit(made.err)
        jobs = {**JOBS, **MORE_JOBS}
        places = {name: settings_of(job, home) for name, job in jobs.items()}
        for index in range(arguments.commands):
            name = choose.choice(list(jobs))
            kind = choose.choices(["cannot be meant", "might be meant", "cannot be read"], [6, 2, 2])[0]
            if kind == "cannot be read":
                wrong = choose.choice(UNREADABLE)
            else:
                key, value = choose.choice([place for place in places[name] if type(place[1]) in WRONG and place[0] != "job"])
                wrong = f"{key}={choose.choice(WRONG[type(value)] if kind == 'cannot be meant' else DOUBTFUL)}"
            with tempfile.TemporaryDirectory() as work:
                outcome = run([*jobs[name].command(home, Path(work) / "out"), wrong], folder=Path(work), seconds=SECONDS)
                left = [str(path.relative_to(work)) for path in Path(work).rglob("*")]
            of_hydra = outcome.code == 2 and "usage:" in outcome.err  # its flags
            refused = (outcome.is_one_line and len(outcome.err.strip().splitlines()) == 1) or of_hydra
            fine = (refused and not left) or (outcome.code == 0 and kind == "might be meant")
            row = rows.setdefault(kind, {"argument": kind, "commands": 0, "refused": 0, "worked": 0, "faults": 0})
            row["commands"] += 1
            row["refused"] += refused
            row["worked"] += outcome.code == 0
            if not fine or outcome.has_traceback or outcome.late:
                row["faults"] += 1
                shown = f"{outcome.code} late {outcome.late} {outcome.err[-700:]} left {left[:5]}"
                faults.append(f"{index} {name} {wrong!r} ({kind}): {shown}")
                print(faults[-1], flush=True)
    table = list(rows.values())
    command = f"python benchmarks/bad_commands.py --commands {arguments.commands} --seed {arguments.seed}"
    made_by = write_results("bad_commands", command, rows=table, faults=len(faults))
    text = f"{made_by}.\n\n{markdown_table(list(table[0]), [list(map(str, row.values())) for row in table], text_columns=1)}"
    print(text)
    write_section("bad commands", text, RELIABILITY)


if __name__ == "__main__":
    main()
