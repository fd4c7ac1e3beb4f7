"""``motcua zalo``: tokens go in and their state comes out, never they themselves."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from actions.secret_key import installation_key
from connectors.zalo import cli
from connectors.zalo.consent import States, challenge
from knowledge.settings import Settings
from tests.connectors.zalo.conftest import settings_for
from tests.emulators.zalo import APP_ID, OA_ID, Zalo

VERIFIER = "w" * 43


def run(settings: Settings, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), obj=settings, input=given)


def printed(result: Result) -> str:
    return result.stdout + result.stderr


@pytest.mark.parametrize("how", ["json", "lines", "options"])
def test_tokens_are_imported_and_not_shown(settings: Settings, zalo: Zalo, how: str) -> None:
    pair = zalo.pair()
    access, refresh = pair["access_token"], pair["refresh_token"]
    if how == "options":
        result = run(settings, "token", "import", "--access", access, "--refresh", refresh)
    else:
        result = run(settings, "token", "import", given=json.dumps(pair) if how == "json" else f"{access}\n{refresh}\n")
    status = run(settings, "token", "status")
    whole = run(settings, "status", "--json")
    assert [result.exit_code, status.exit_code, whole.exit_code] == [0, 0, 0]
    shown = printed(result) + printed(status) + printed(whole)
    assert access not in shown and refresh not in shown
    assert "tokens: good" in status.stdout
    assert json.loads(whole.stdout)["tokens"]["state"] == "good"


@pytest.mark.parametrize("given", ["", "one", "[]", '{"access_token": 5, "refresh_token": "x"}', "ế ế", "[" * 9_000])
def test_what_is_no_pair(settings: Settings, given: str) -> None:
    result = run(settings, "token", "import", given=given)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1


def test_renewing_and_losing(settings: Settings, zalo: Zalo) -> None:
    assert run(settings, "token", "status").exit_code == 1
    run(settings, "token", "import", given=json.dumps(zalo.pair()))
    assert run(settings, "token", "renew").exit_code == 0
    assert json.loads(run(settings, "token", "status", "--json").stdout)["pairs_so_far"] == 2
    zalo._refresh.clear()
    failed = run(settings, "token", "renew")
    assert failed.exit_code == 1 and "-14014" in failed.stderr
    status = run(settings, "token", "status")
    assert status.exit_code == 1 and "consent again" in status.stdout


def test_the_consent_link_leads_to_our_callback(settings: Settings, zalo: Zalo) -> None:
    settings = settings_for(settings.zalo_api_url, settings.home, zalo_code_verifier=VERIFIER)
    callback = "https://motcua.example/api/v1/zalo/oauth/callback"
    result = run(settings, "consent", callback)
    assert result.exit_code == 0 and VERIFIER not in printed(result)
    link = result.stdout.strip().splitlines()[-1]
    where = httpx.get(link, follow_redirects=False, trust_env=False).headers["location"]
    query = parse_qs(urlsplit(where).query)
    assert where.startswith(callback) and query["oa_id"] == [OA_ID]
    assert States(installation_key(settings.home)).is_ours(query["state"][0])
    assert zalo.challenge == challenge(VERIFIER)


def test_not_set_up(tmp_path: Path) -> None:
    for arguments in (("status",), ("token", "status"), ("token", "renew"), ("consent", "https://x.example")):
        result = run(Settings(home=tmp_path), *arguments)
        assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("verifier", [None, "short", "ế" * 43])
def test_a_verifier_is_needed(tmp_path: Path, verifier: str | None) -> None:
    settings = Settings(home=tmp_path, zalo_app_id=APP_ID, zalo_app_secret="s", zalo_code_verifier=verifier)
    result = run(settings, "consent", "https://x.example")
    assert result.exit_code == 2
    if verifier is None:  # a fresh one is proposed
        assert challenge(result.stderr.split()[-1])


def test_a_database_that_is_away(tmp_path: Path) -> None:
    away = settings_for("http://127.0.0.1:1", tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    for arguments in (("status",), ("token", "status"), ("token", "renew")):
        result = run(away, *arguments)
        assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
