"""What every benchmark prints: the machine, the versions, its tables; the same as JSON on request."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from knowledge.settings import ROOT, Settings

_OURS = ("faiss-cpu", "onnxruntime", "sentence-transformers", "bm25s", "numpy", "fastapi")

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows under a title; every row has as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]]


@dataclass(frozen=True)
class Report:
    """The outcome of one run of one benchmark."""

    name: str
    tables: list[Table]
    notes: list[str] = field(default_factory=list)

    def publish(self, file: Path | None) -> None:
        """Print to standard output and, where ``file`` is given, write it as JSON."""
        facts = {"machine": machine(), "versions": versions()}
        print(f"# {self.name}, {dt.datetime.now():%Y-%m-%d %H:%M}\n")
        for title, values in facts.items():
            print(f"{title}: " + ", ".join(f"{name} {value}" for name, value in values.items()))
        for table in self.tables:
            print(f"\n## {table.title}\n")
            print("\n".join(_lines(table)))
        print("".join(f"\n- {note}" for note in self.notes))
        if file:
            content = {"benchmark": self.name, "at": dt.datetime.now().isoformat(timespec="seconds"), **facts}
            content |= {"tables": [asdict(table) for table in self.tables], "notes": self.notes}
            file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all benchmarks share."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the outcome to this file, too")
    return made


def say(line: str) -> None:
    """Tell of progress, on standard error."""
    print(f"[benchmark] {line}", file=sys.stderr, flush=True)


def machine() -> dict[str, str | int]:
    """The machine, and how busy it is just now."""
    memory = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    model = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "CPU": model.group(1).strip() if model else platform.machine(),
        "memory GiB": round(int(memory.group(1)) / 1024**2) if memory else "?",
        "system": platform.platform(terse=True),
        "load (1, 5, 15 min)": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """Versions of what takes part in the measurement."""
    found = {"Python": platform.python_version(), "motcua": _commit(), "rasa": _rasa()}
    for name in _OURS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _commit() -> str:
    commit = _output(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"])
    changed = _output(["git", "-C", str(ROOT), "status", "--porcelain"])
    return (commit or "unknown commit") + (" with changes" if changed else "")


def _rasa() -> str:
    python = str(Settings().rasa_python)
    return _output([python, "-c", "from importlib.metadata import version; print(version('rasa'))"]) or "not installed"


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _lines(table: Table) -> list[str]:
    """The table in Markdown, columns aligned."""
    rows = [[str(c) for c in table.columns], *([_shown(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 1 else f"{cell:.1f}"
    return str(cell)
