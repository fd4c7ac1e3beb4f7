"""The script that is served: small, and built from the source beside it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from knowledge.settings import ROOT
from tests.conftest import unavailable

SOURCE = ROOT / "connectors" / "web" / "widget"
SERVED = ROOT / "connectors" / "web" / "static" / "widget" / "v1" / "chat.js"
MOST_BYTES = 25_000


def test_it_is_small_enough_for_a_slow_line() -> None:
    assert len(gzip.compress(SERVED.read_bytes(), 9)) <= MOST_BYTES


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"]
)
def test_it_does_not_do_what_lets_strangers_in(word: str) -> None:
    assert word not in SERVED.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tools() -> Path:
    """The widget's own tools, installed by `make widget`."""
    if not shutil.which("npm"):
        unavailable("node and npm are not installed, so the widget is not built anew")
    modules = SOURCE / "node_modules" / ".bin"
    if not (modules / "esbuild").exists():
        installed = subprocess.run(
            ["npm", "install", "--silent"], cwd=SOURCE, capture_output=True, check=False, timeout=300
        )
        if installed.returncode:
            pytest.skip("the widget's npm packages cannot be had here")
    return modules


def test_the_served_script_is_what_the_source_makes(tools: Path, tmp_path: Path) -> None:
    built = tmp_path / "chat.js"
    command = ["npm", "run", "--silent", "build", "--", f"--outfile={built}"]
    subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, timeout=120)
    assert built.read_bytes() == SERVED.read_bytes(), "run `make widget`"


def test_the_source_has_the_types_it_says(tools: Path) -> None:
    checked = subprocess.run(
        ["npm", "run", "--silent", "check"], cwd=SOURCE, capture_output=True, check=False, timeout=120
    )
    assert checked.returncode == 0, checked.stdout.decode()
