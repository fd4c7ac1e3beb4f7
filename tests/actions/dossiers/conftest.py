"""Databases and a registry for the tests of dossiers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.dossiers.registry import Registry
from knowledge.database import connect, migrate
from tests.conftest import unavailable

POSTGRES = os.environ.get("MOTCUA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
KEY = b"a key for tests, of 32 bytes ...!"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """URLs of migrated databases by kind (sqlite, postgres), made when first asked for and shared by a run's tests."""
    urls: dict[str, str] = {}
    name = f"motcua_test_{uuid.uuid4().hex[:12]}"

    def url_of(kind: str) -> str:
        if kind not in urls:
            if kind == "postgres":
                _administer(f"create database {name}")
                url = POSTGRES.rsplit("/", 1)[0] + "/" + name
            else:
                url = f"sqlite:///{tmp_path_factory.mktemp('dossiers')}/test.db"
            migrate(connect(url))
            urls[kind] = url
        return urls[kind]

    yield url_of
    if "postgres" in urls:
        _administer(f"drop database if exists {name} with (force)")


def _administer(statement: str) -> None:
    admin = connect(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(statement))
    except sa.exc.OperationalError:
        unavailable("no PostgreSQL answers on 127.0.0.1:5432")
    finally:
        admin.dispose()


KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Callable[[str], str]) -> str:
    return emptied(databases(request.param))


def emptied(url: str) -> str:
    """The database, with the tables of dossiers empty."""
    engine = connect(url)
    with engine.begin() as connection:
        for table in ("dossier", "dossier_try", "audit"):
            connection.execute(sa.text(f"delete from {table}"))
    engine.dispose()
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def registry(engine: sa.Engine) -> Registry:
    return Registry(engine, KEY)


@pytest.fixture
def sqlite_registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of its own, to break or to fill."""
    engine = connect(f"sqlite:///{tmp_path}/registry.db")
    migrate(engine)
    yield Registry(engine, KEY)
    engine.dispose()
