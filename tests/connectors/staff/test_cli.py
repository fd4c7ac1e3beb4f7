"""``motcua staff``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.staff.cli import app
from connectors.staff.sign_in import SignedIn, Staff
from knowledge.database import connect
from knowledge.settings import Settings

PASSWORD = "một câu dài dễ nhớ"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path))
    monkeypatch.delenv("MOTCUA_DATABASE_URL", raising=False)
    return tmp_path


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=input)


def document(*arguments: str, input: str | None = None) -> Any:
    result = run(*arguments, "--json", input=input)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_account_is_made_and_signs_in(home: Path) -> None:
    made = document(
        "add", "Lan", "--role", "officer", "--display", "Chị Lan", "--password-stdin", input=PASSWORD + "\n"
    )
    assert (made["name"], made["role"], made["display"], made["signs_in_by"]) == (
        "lan",
        "officer",
        "Chị Lan",
        "password",
    )
    settings = Settings(home=home)
    staff = Staff(connect(settings.database), settings)
    assert isinstance(staff.with_password("lan", PASSWORD, None), SignedIn)
    assert document("list")["accounts"][0]["last_sign_in"]


def test_changes_and_their_audit(home: Path) -> None:
    document("add", "lan", "--role", "agent", "--password-stdin", input=PASSWORD)
    assert document("role", "lan", "supervisor")["role"] == "supervisor"
    assert document("disable", "lan")["disabled"] is True
    assert document("enable", "lan")["disabled"] is False
    document("password", "lan", "--password-stdin", input="câu mới dài hơn nữa")
    assert document("link", "lan", "s-1")["signs_in_by"] == "password and oidc"
    entries = document("audit")["entries"]
    assert [entry["what"] for entry in reversed(entries)] == [
        "account_added:agent",
        "role_changed:agent>supervisor",
        "account_disabled",
        "account_enabled",
        "password_changed",
        "oidc_linked",
    ]
    assert {(entry["about"], entry["channel"]) for entry in entries} == {("lan", "cli")}
    assert all(entry["who"].startswith("cli") for entry in entries)
    assert len(document("audit", "--limit", "2")["entries"]) == 2
    assert PASSWORD not in json.dumps(entries, ensure_ascii=False)


def test_people_read_tables(home: Path) -> None:
    run("add", "lan", "--role", "agent", "--oidc-subject", "s-1")
    assert "lan" in run("list").stdout
    assert "account_added:agent (lan)" in run("audit").stdout


@pytest.mark.parametrize(
    ("arguments", "input", "said"),
    [
        (("add", "x y", "--role", "agent", "--password-stdin"), PASSWORD, "a name has 2 to 60 characters"),
        (("add", "mai", "--role", "agent", "--password-stdin"), "ngắn", "the password: at least 10 characters"),
        (("add", "mai", "--role", "agent", "--password-stdin"), "", "the password: at least 10 characters"),
        (("add", "mai", "--role", "agent", "--password-stdin"), "matkhau12345", "too common"),
        (("add", "LAN", "--role", "agent", "--password-stdin"), PASSWORD, "already"),
        (("add", "mai", "--role", "agent"), PASSWORD, "use --password-stdin"),
        (("role", "nobody", "agent"), None, "there is no account"),
        (("disable", "nobody"), None, "there is no account"),
        (("password", "nobody", "--password-stdin"), PASSWORD, "there is no account"),
    ],
)
def test_mistakes_are_one_line(home: Path, arguments: tuple[str, ...], input: str | None, said: str) -> None:
    document("add", "lan", "--role", "agent", "--oidc-subject", "s-1")
    result = run(*arguments, input=input)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_database_that_is_away_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = run("list")
    assert result.exit_code == 2
    assert result.stderr.strip() == "motcua: the database does not answer: OperationalError"
