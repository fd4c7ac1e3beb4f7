"""Signing in through an OpenID Connect provider, played by an emulator over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Client

from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.emulators import oidc
from tests.emulators.oidc import Emulator
from tests.serving import serving
from tests.signed_in import staff_app

BEGIN = "/console/sign-in/oidc?" + urlencode({"next": "/console/password"})
Make = Callable[..., FastAPI]


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    emulator = Emulator()
    with serving(oidc.create_app(emulator)) as url:
        emulator.issuer = url
        yield emulator


@pytest.fixture
def emulator(provider: Emulator) -> Emulator:
    fresh = Emulator(issuer=provider.issuer, key=provider.key)
    vars(provider).update(vars(fresh))
    return provider


@pytest.fixture
def make(emulator: Emulator, engine: sa.Engine, tmp_path: Path) -> Make:
    def app(**more: Any) -> FastAPI:
        settings = Settings(
            home=tmp_path,
            staff_oidc_issuer=emulator.issuer,
            staff_oidc_client_id=oidc.CLIENT_ID,
            staff_oidc_client_secret=oidc.CLIENT_SECRET,
            **more,
        )
        return staff_app(engine, settings)

    return app


def round_trip(client: TestClient) -> str:
    """Where the browser ends up after it was at the provider."""
    began = client.get(BEGIN)
    assert began.status_code == 303, began.headers
    there = began.headers["location"]
    if urlsplit(there).netloc == "":
        return there
    with Client() as outside:
        back = outside.get(there).headers["location"]
    return client.get(back).headers["location"]


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


FAILED, REFUSED = "/console/sign-in?oidc-failed=1", "/console/sign-in?oidc-refused=1"


def test_an_account_with_this_subject_signs_in(make: Make, emulator: Emulator) -> None:
    app = make()
    app.state.staff.accounts.add("lan", Role.OFFICER, display="Chị Lan", oidc_subject="s-1")
    client = browser(app)
    assert "Đăng nhập bằng tài khoản của cơ quan" in client.get("/console/sign-in").text
    assert round_trip(client) == "/console/password"
    assert "Chị Lan" in client.get("/console/").text
    assert emulator.asked[0]["code_challenge_method"] == "S256"
    assert emulator.asked[0]["nonce"]
    assert [entry.what for entry in app.state.staff.audit.entries()] == ["sign_in_oidc"]


def test_any_process_can_finish_what_another_began(make: Make) -> None:
    first, second = make(), make()
    first.state.staff.accounts.add("lan", Role.OFFICER, oidc_subject="s-1")
    client = browser(first)
    with Client() as outside:
        back = outside.get(client.get(BEGIN).headers["location"]).headers["location"]
    other = browser(second)
    other.cookies = client.cookies
    assert other.get(back).headers["location"] == "/console/password"


def test_without_a_provider_there_is_no_such_way(engine: sa.Engine, tmp_path: Path) -> None:
    client = browser(staff_app(engine, Settings(home=tmp_path)))
    assert "Đăng nhập bằng" not in client.get("/console/sign-in").text
    assert client.get(BEGIN).headers["location"] == "/console/sign-in"
    assert client.get("/console/sign-in/oidc/back?code=a&state=b").headers["location"] == FAILED


def test_unknown_people_are_refused_and_a_name_alone_opens_no_account(make: Make) -> None:
    app = make()
    app.state.staff.accounts.add("lan", Role.ADMIN, password="một câu dài dễ nhớ")
    client = browser(app)
    assert round_trip(client) == REFUSED
    assert "motcua_staff" not in client.cookies
    assert "chưa được phép" in client.get(REFUSED).text


def test_unknown_people_get_an_account_where_the_settings_say_so(make: Make) -> None:
    app = make(staff_oidc_default_role="agent")
    accounts = app.state.staff.accounts
    accounts.add("lan", Role.ADMIN, password="một câu dài dễ nhớ")
    assert round_trip(browser(app)) == "/console/password"
    made = accounts.by_subject("s-1")
    assert made.role == Role.AGENT
    assert made.name != "lan", "that one is somebody else's"
    assert made.display == "Chị Lan"
    assert round_trip(browser(app)) == "/console/password"
    assert len(accounts.all()) == 2


def test_roles_follow_the_claim(make: Make, emulator: Emulator) -> None:
    app = make(staff_oidc_role_claim="realm_access.roles", staff_oidc_roles={"chu-tich": "admin", "mot-cua": "officer"})
    accounts = app.state.staff.accounts
    accounts.add("lan", Role.AGENT, oidc_subject="s-1")
    emulator.person["realm_access"] = {"roles": ["khac", "mot-cua"]}
    client = browser(app)
    assert round_trip(client) == "/console/password"
    assert accounts.get("lan").role == Role.OFFICER
    assert app.state.staff.audit.entries()[1].what == "role_changed:agent>officer"
    emulator.person["realm_access"] = {"roles": ["khac"]}
    assert round_trip(browser(app)) == REFUSED, "the provider does not give a role any more"


@pytest.mark.parametrize("roles", [None, 7, {"roles": 7}, [["mot-cua"]], {"roles": {"mot-cua": 1}}, "x"])
def test_odd_role_claims_are_no_role(make: Make, emulator: Emulator, roles: Any) -> None:
    app = make(staff_oidc_role_claim="realm_access.roles", staff_oidc_roles={"mot-cua": "officer"})
    app.state.staff.accounts.add("lan", Role.AGENT, oidc_subject="s-1")
    emulator.person["realm_access"] = roles
    assert round_trip(browser(app)) == REFUSED


def test_a_disabled_account_is_refused(make: Make) -> None:
    app = make()
    accounts = app.state.staff.accounts
    accounts.set_disabled(accounts.add("lan", Role.OFFICER, oidc_subject="s-1"), True)
    assert round_trip(browser(app)) == REFUSED


_PAST = int(time.time()) - 3_600


@pytest.mark.parametrize(
    "fault",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": _PAST}},
        {"claims": {"exp": None}},
        {"claims": {"aud": "another-app"}},
        {"claims": {"aud": None}},
        {"claims": {"iss": "https://another.example"}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"forged": True},
        {"no_id_token": True},
        {"state": "another"},
        {"error": "access_denied"},
    ],
    ids=str,
)
def test_what_is_not_to_be_trusted_signs_nobody_in(make: Make, emulator: Emulator, fault: dict[str, Any]) -> None:
    app = make(staff_oidc_default_role="agent")
    app.state.staff.accounts.add("lan", Role.OFFICER, oidc_subject="s-1")
    for name, value in fault.items():
        setattr(emulator, name, value)
    client = browser(app)
    assert round_trip(client) == FAILED
    assert "motcua_staff" not in client.cookies
    assert len(app.state.staff.accounts.all()) == 1
    assert "Chưa đăng nhập được" in client.get(FAILED).text


def test_the_way_back_works_once_and_only_in_the_browser_that_began(make: Make) -> None:
    app = make()
    app.state.staff.accounts.add("lan", Role.OFFICER, oidc_subject="s-1")
    client = browser(app)
    with Client() as outside:
        back = outside.get(client.get(BEGIN).headers["location"]).headers["location"]
    assert browser(app).get(back).headers["location"] == FAILED, "somebody who was sent the link"
    broken = browser(app)
    broken.cookies.set("motcua_oidc", "forged.cookie.value")
    assert broken.get(back).headers["location"] == FAILED
    assert client.get(back).headers["location"] == "/console/password"
    assert client.get(back).headers["location"] == FAILED


def test_a_provider_that_is_down_breaks_nothing(make: Make, emulator: Emulator) -> None:
    app = make()
    emulator.down = True
    assert round_trip(browser(app)) == FAILED
    emulator.down = False
    app.state.staff.accounts.add("lan", Role.OFFICER, oidc_subject="s-1")
    assert round_trip(browser(app)) == "/console/password"
