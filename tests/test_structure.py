"""The house's rules that a test can hold: who may import whom, and settings that are all documented."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from knowledge.settings import ROOT, Settings

ROOMS = ("bot", "knowledge", "actions", "connectors")
MAY_IMPORT = {
    "knowledge": set(),
    "actions": {"knowledge"},
    "connectors": {"knowledge", "actions"},
    "bot": {"knowledge"},
}
BOT_MAY_USE = {"knowledge.text", "knowledge.fields"}
"""Modules of the standard library only, because Rasa lives in an older environment."""

MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    rooms = {name.split(".")[0] for name in imported(path)} & set(ROOMS)
    assert rooms - {room} <= MAY_IMPORT[room]
    if room == "bot":
        ours = {name for name in imported(path) if name.startswith("knowledge.")}
        assert {".".join(name.split(".")[:2]) for name in ours} <= BOT_MAY_USE


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert f"`MOTCUA_{name.upper()}`" in table, name
        assert field.description, name
        assert field.description in table, name
