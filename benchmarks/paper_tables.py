"""Writes docs/tables.md: every table of both papers, and below its rows the runs that can stand in it.

python benchmarks/paper_tables.py [RUN ...]      # folders with a metrics.json, evaluated under the tables' protocols
"""

import argparse
from pathlib import Path

from section import HERE
from splatsr.runs.configuration import CONF, compose, instantiate
from splatsr.tables.compare import compare
from splatsr.tables.paper import PaperTable
from splatsr.tables.render import to_markdown
from splatsr.tables.runs import incompatibility, read_run

HEAD = """# The papers' tables

All tables of ContinuousSR (1 to 18) and of GaussianSR (1 to 6), with every figure.
Made by `python benchmarks/paper_tables.py{runs}`. A cell that the papers leave empty is empty. Rows of kind "ours" are runs of
this suite: the models that come along, on the one of these test sets that is at hand.

To put a run beside them: evaluate it under the table's protocol, and name its folder.

```bash
python run.py job=evaluate checkpoint=<file> data=folder data.test=urban100 data.test_root=<folder> 'scales=[4,8]' \\
  hydra.run.dir=<run>
python run.py job=table table=table1 'runs=[<run>]'          # this table alone: Markdown, CSV, LaTeX
python run.py job=benchmark benchmark=all                    # what tables of cost compare, on the device that it names
python run.py job=ablations 'runs=[<multirun>]'              # tables 5, 12 to 15, 17: multiruns of experiment=ablation/<what>
```

Tables 3, 6, 9 and 16 (brains, rain, real zoom) have data sets and protocols of their own: [data-sets.md](data-sets.md).
"""


def number(name: str) -> tuple[bool, int]:
    """ContinuousSR's tables by their numbers, then GaussianSR's."""
    return name.startswith("gaussiansr"), int("".join(letter for letter in name if letter.isdigit()) or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes docs/tables.md.")
    parser.add_argument("runs", nargs="*", type=Path, help="folders with a metrics.json")
    arguments = parser.parse_args()
    runs = [read_run(folder) for folder in arguments.runs]
    texts = [HEAD.format(runs="".join(f" {folder}" for folder in arguments.runs))]
    for name in sorted((path.stem for path in (CONF / "table").glob("*.yaml")), key=number):
        if name == "ablations":
            continue  # its parts are there
        table: PaperTable = instantiate(compose(f"table={name}")["table"], "table")
        fitting = [run for run in runs if not incompatibility(run, table)]
        heading = table.title.split(":")[0]
        texts.append(f"## {heading}\n\n`table={name}`\n\n{to_markdown(table, compare(table, fitting))}")
    (HERE.parent / "docs" / "tables.md").write_text("\n".join(texts))


if __name__ == "__main__":
    main()
