"""A registry for the tests of dossiers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.dossiers.registry import Registry
from knowledge.database import connect, migrate

KEY = b"a key for tests, of 32 bytes ...!"


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
