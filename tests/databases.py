"""Fixtures: a migrated SQLite file and a PostgreSQL database of the test run's own, empty for each test."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from knowledge.database import connect, migrate

POSTGRES = os.environ.get("MOTCUA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """URLs of migrated databases by kind (sqlite, postgres), made when first asked for and shared by a run's tests."""
    urls: dict[str, str] = {}
    name = f"motcua_test_{uuid.uuid4().hex[:12]}"

    def url_of(kind: str) -> str:
        if kind not in urls:
            if kind == "postgres":
                administer(f"create database {name}")
                url = POSTGRES.rsplit("/", 1)[0] + "/" + name
            else:
                url = f"sqlite:///{tmp_path_factory.mktemp('database')}/test.db"
            migrate(connect(url))
            urls[kind] = url
        return urls[kind]

    yield url_of
    if "postgres" in urls:
        administer(f"drop database if exists {name} with (force)")


def administer(statement: str) -> None:
    """Run a statement as PostgreSQL's administrator, outside a transaction."""
    from tests.conftest import unavailable  # it imports this module's fixtures

    admin = connect(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(statement))
    except sa.exc.OperationalError:
        unavailable("no PostgreSQL answers on 127.0.0.1:5432")
    finally:
        admin.dispose()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Callable[[str], str]) -> str:
    """Both kinds in turn, with all tables empty."""
    return emptied(databases(request.param))


def emptied(url: str) -> str:
    """The database, with all its tables empty."""
    engine = connect(url)
    with engine.begin() as connection:
        for table in _tables(url):
            connection.execute(sa.text(f"delete from {table}"))
    engine.dispose()
    return url


@functools.cache
def _tables(url: str) -> list[str]:
    """Names of all tables, those that refer to others first."""
    metadata, engine = sa.MetaData(), connect(url)
    metadata.reflect(engine)
    engine.dispose()
    return [table.name for table in reversed(metadata.sorted_tables) if table.name != "alembic_version"]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()
