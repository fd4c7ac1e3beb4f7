"""A made-up installation with a month of data, and its report."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.feedback.reports.document import Report
from actions.feedback.reports.periods import parse
from actions.feedback.reports.report import Reporter
from actions.secret_key import installation_key
from knowledge.database import connect, migrate
from knowledge.settings import Settings
from tests.actions.feedback.made_up import MadeUp

NOW = dt.datetime(2026, 11, 24, 10, 0)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("office"), office="UBND Phường Hoa Mai")
    filled(connect(settings.database), settings.home)
    return settings


def filled(engine: sa.Engine, home: Path) -> None:
    migrate(engine)
    MadeUp(engine, installation_key(home), dt.date(2026, 11, 1), NOW.date()).all(240)


@pytest.fixture(scope="session")
def report(office: Settings) -> Report:
    return Reporter(connect(office.database), office).report(parse("2026-11"), NOW)
