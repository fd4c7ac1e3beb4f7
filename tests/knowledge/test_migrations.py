"""The schema's history: it makes what the code expects, keeps what is stored, and can be walked back, on both databases."""

from __future__ import annotations

import importlib
import pkgutil
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import actions
import connectors
import knowledge
from knowledge.database import Base, connect, migrate
from knowledge.settings import ROOT
from tests.databases import KINDS, POSTGRES, administer

MIGRATIONS = ROOT / "knowledge" / "migrations"


@pytest.fixture(params=KINDS)
def empty_engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[sa.Engine]:  # type: ignore[no-untyped-def]
    """A database without any table."""
    if request.param == "sqlite":
        engine = connect(f"sqlite:///{tmp_path}/empty.db")
        yield engine
        engine.dispose()
        return
    name = f"motcua_test_{uuid.uuid4().hex[:12]}"
    administer(f"create database {name}")
    engine = connect(POSTGRES.rsplit("/", 1)[0] + "/" + name)
    yield engine
    engine.dispose()
    administer(f"drop database {name} with (force)")


def config(connection: sa.Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


def all_models() -> sa.MetaData:
    """The tables that the code declares, anywhere."""
    for room in (actions, connectors, knowledge):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    return Base.metadata


def test_the_history_makes_what_the_code_declares(empty_engine: sa.Engine) -> None:
    migrate(empty_engine)
    with empty_engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), all_models())
    assert differences == []


def test_a_row_from_before_is_still_there_and_every_step_can_be_taken_back(empty_engine: sa.Engine) -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    steps = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    migrate(empty_engine, "0005")
    with empty_engine.begin() as connection:
        row = "insert into turn (at, channel, conversation, status, fields, ms) values (:at, 'web', 'c', 'answered', '[]', 5)"
        connection.execute(sa.text(row), {"at": "2026-08-03 09:00:00"})
    for step in steps[steps.index("0005") + 1 :]:
        migrate(empty_engine, step)
    for step in reversed(steps[steps.index("0005") : -1]):
        with empty_engine.begin() as connection:
            command.downgrade(config(connection), step)
    migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert connection.execute(sa.text("select ms from turn where conversation = 'c'")).scalars().all() == [5]
    with empty_engine.begin() as connection:
        command.downgrade(config(connection), "base")
    assert set(sa.inspect(empty_engine).get_table_names()) <= {"alembic_version"}


def test_migrating_twice_changes_nothing(empty_engine: sa.Engine) -> None:
    migrate(empty_engine)
    before = sorted(sa.inspect(empty_engine).get_table_names())
    migrate(empty_engine)
    assert sorted(sa.inspect(empty_engine).get_table_names()) == before
