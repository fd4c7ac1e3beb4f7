"""What tests share: the data beside the checkout, and services of this machine."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.dossiers.importing import SAMPLE, import_file
from actions.dossiers.registry import Registry
from actions.procedures import ProcedureTalk
from connectors import bot_process
from connectors.running import running
from knowledge import sources
from knowledge.catalogue import Catalogue
from knowledge.search.engine import SearchEngine, rebuild
from knowledge.settings import ROOT, Settings
from tests.databases import database_url, databases, engine

__all__ = ["database_url", "databases", "engine"]  # fixtures for all tests

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


@pytest.fixture(scope="session")
def starter_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation as `make run` prepares it: starter catalogue and sample dossiers imported, index built."""
    settings = Settings(home=tmp_path_factory.mktemp("starter-home"), encoder_threads=2)
    name, records = sources.read(ROOT / "knowledge" / "starter", "auto")
    report = Catalogue.open(settings).import_records("starter", name, records)
    assert not report.rejected
    rebuild(settings)
    import_file(Registry.open(settings), SAMPLE, sample=True)
    return settings


@pytest.fixture(scope="session")
def starter_engine(starter_settings: Settings) -> SearchEngine:
    return SearchEngine.open(starter_settings)


@pytest.fixture
def talk(starter_settings: Settings, starter_engine: SearchEngine) -> ProcedureTalk:
    return ProcedureTalk(Catalogue.open(starter_settings), starter_engine, starter_settings)


@pytest.fixture(scope="session")
def running_motcua(starter_settings: Settings) -> Iterator[str]:
    """The base URL of the real app and the real Rasa, started for the tests on free ports."""
    if not starter_settings.rasa_python.exists():
        unavailable("the Rasa environment is not installed (make install)")
    if not bot_process.is_trained(starter_settings):
        bot_process.train(starter_settings)
    nobody_serves = starter_settings.model_copy(update={"port": 1, "rate_limit_per_minute": 1_000})
    with running(nobody_serves, print) as url:
        yield url
