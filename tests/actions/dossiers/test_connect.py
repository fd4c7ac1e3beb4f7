"""All systems of an installation, as settings name them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from actions.dossiers.adapters.config import ConfigError
from actions.dossiers.connect import connect
from actions.dossiers.dossier import Found, NotFoundOrMismatch, NotThisSystem, Proof, State
from actions.dossiers.registry import Entry, Registry
from actions.secret_key import installation_key
from tests.emulators.connected import SECRETS, described

CODE, OTHER = "H57.17.26-261110-0001", "H17.02-261110-0001"


@pytest.fixture
def installed(sqlite_registry: Registry, tmp_path: Path) -> Registry:
    registry = Registry(sqlite_registry.engine, installation_key(tmp_path / "home"))
    registry.store([Entry(CODE, State.PROCESSING, phone="0912345678")])
    return registry


def test_the_registry_alone(installed: Registry, tmp_path: Path) -> None:
    dossiers = connect(installed.engine, tmp_path / "home")
    assert list(dossiers.health()) == ["registry"]
    assert isinstance(asyncio.run(dossiers.lookup(CODE, Proof("5678"))), Found)
    assert asyncio.run(dossiers.lookup(CODE, Proof("0000"))) == NotFoundOrMismatch()
    assert asyncio.run(dossiers.lookup(OTHER, None)) == NotThisSystem()
    asyncio.run(dossiers.close())


def test_the_registry_answers_for_the_agencies_it_is_given(installed: Registry, tmp_path: Path) -> None:
    dossiers = connect(installed.engine, tmp_path / "home", agencies=["H17"])
    assert asyncio.run(dossiers.lookup(OTHER, None)) == NotFoundOrMismatch()
    assert asyncio.run(dossiers.lookup(CODE, None)) == NotThisSystem()


def test_the_systems_of_a_folder_come_after_it(
    installed: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "systems"
    folder.mkdir()
    for protocol in ("igate", "mapped"):
        (folder / f"{protocol}.yml").write_text(yaml.safe_dump(described(protocol)), encoding="utf-8")
    dossiers = connect(installed.engine, tmp_path / "home", folder, timeout_s=6.0)
    names = list(dossiers.health())
    assert (names[0], len(names)) == ("registry", 3)
    asyncio.run(dossiers.close())


def test_a_folder_that_is_not_there_is_a_mistake_of_one_line(installed: Registry, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such: no such folder"):
        connect(installed.engine, tmp_path / "home", tmp_path / "no-such")
