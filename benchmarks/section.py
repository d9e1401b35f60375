"""The tables of benchmarks/README.md and docs/reliability.md: a script writes its own section, and its numbers to results/."""

import datetime
import json
import math
from pathlib import Path

from splatsr.runs.machine import describe_machine

HERE = Path(__file__).parent

RELIABILITY = HERE.parent / "docs" / "reliability.md"


def write_results(name: str, command: str, **results: object) -> str:
    """Writes results/<name>.json; returns the sentence that says how and where the figures were made."""
    machine = describe_machine()
    record = {"command": command, "date": datetime.date.today().isoformat(), "machine": machine, **results}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    return (
        f"Made by `{command}` on {record['date']}: {machine['device']}, {machine['cores']} cores, {machine['threads']} "
        f"threads, torch {machine['torch']}"
    )


def write_section(name: str, text: str, page: Path = HERE / "README.md") -> None:
    """Puts the text between the page's markers of that name."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    content = page.read_text()
    if content.count(start) != 1 or content.count(end) != 1:
        raise SystemExit(f"{page.name} must contain {start} and {end} once each: the table goes between them.")
    page.write_text(f"{content.split(start)[0]}{start}\n{text}\n{end}{content.split(end)[1]}")


def figure(value: float) -> str:
    """Three significant digits, a space between thousands: 0.123, 12.3, 12 300; 0 stays 0."""
    if not value:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(digits, 0)}f}".replace(",", " ")
