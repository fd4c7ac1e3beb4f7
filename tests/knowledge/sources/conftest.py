"""The official files beside the checkout, and what the readers make of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from knowledge.procedure import Procedure
from knowledge.sources import Rejected, read

SHARED = Path(__file__).resolve().parents[4] / "shared"
CATALOGUE = SHARED / "data" / "catalogue"


def official(name: str) -> Path:
    """An official file; absent data skips the test, but in CI data that should be there fails it."""
    path = CATALOGUE / name
    if not path.exists():
        reason = f"{path} is not there; the crawls are not ours to ship"
        if os.environ.get("CI") == "true" and SHARED.exists():
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Readout:
    """What a reader yields for one official file."""

    def __init__(self, path: Path) -> None:
        self.format, items = read(path)
        self.items = list(items)
        self.rejected = [item for item in self.items if isinstance(item, Rejected)]
        self.procedures = {item.code: item for item in self.items if isinstance(item, Procedure)}

    def __getitem__(self, code: str) -> Procedure:
        return self.procedures[code]


@pytest.fixture(scope="session")
def national() -> Readout:
    return Readout(official("national-2026-07.jsonl.gz"))


@pytest.fixture(scope="session")
def portal_api() -> Readout:
    return Readout(official("portal-api-details.tar.gz"))


@pytest.fixture(scope="session")
def portal_page() -> Readout:
    return Readout(official("portal-page-text.tar.gz"))


@pytest.fixture(scope="session")
def justice_list() -> Readout:
    return Readout(official("portal-list-bo-tu-phap.xlsx"))
