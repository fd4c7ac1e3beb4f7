"""Fixtures for tests of the hotline's console."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from actions.procedures import ProcedureTalk
from knowledge.settings import Settings
from tests.connectors.console.desk import SECRET, desk


@pytest.fixture
def hotline(engine: sa.Engine, tmp_path: Path, talk: ProcedureTalk, starter_settings: Settings) -> FastAPI:
    """The console over the starter catalogue and the sample dossiers; everything else in an empty database."""
    return desk(engine, Settings(home=tmp_path, console_calls_secret=SECRET), talk, dossiers_of=starter_settings)
