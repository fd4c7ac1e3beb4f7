"""What tests share: the data beside the checkout, and services of this machine."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.settings import ROOT

SHARED = ROOT.parent / "shared"
NATIONAL = SHARED / "data" / "catalogue" / "national-2026-07.jsonl.gz"


def unavailable(reason: str) -> None:
    """Skip with a reason, but fail in CI, where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public facts beside the checkout."""
    if not SHARED.exists():
        pytest.skip("../shared is not beside this checkout; the data in it is not ours to ship")
    return SHARED


@pytest.fixture(scope="session")
def national_records(shared: Path) -> dict[str, dict[str, Any]]:
    """Raw national records with details, by code."""
    with gzip.open(NATIONAL, "rt", encoding="utf-8") as lines:
        rows: Iterator[dict[str, Any]] = map(json.loads, lines)
        return {row["code"].strip(): row for row in rows if row.get("has_details")}
