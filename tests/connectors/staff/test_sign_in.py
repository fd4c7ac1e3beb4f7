"""Signing in and out over HTTP: sessions, CSRF, lock-out, nothing told of who has an account."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from connectors.staff import passwords
from connectors.staff.access import Role, safe_next
from connectors.staff.lockout import PER_ACCOUNT
from knowledge.database import connect
from tests.signed_in import PASSWORD, account, signed_in_client

SIGN_IN = "/console/sign-in"


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    account(app, Role.OFFICER, "lan", PASSWORD)
    return TestClient(app, follow_redirects=False)


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', html)
    assert found
    return found[1]


def sign_in(client: TestClient, name: str = "lan", password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    token = csrf_of(client.get(SIGN_IN).text)
    return client.post(SIGN_IN, data={"csrf_token": token, "name": name, "password": password, **more})


def notice(html: str) -> str:
    found = re.search(r'id="notice">(.*?)</p>', html)
    return found[1] if found else ""


def test_somebody_signs_in_works_and_signs_out(client: TestClient, app: FastAPI) -> None:
    asked = client.get("/console/things?a=1&b=2")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Fthings%3Fa%3D1%26b%3D2",
    )
    signed_in = sign_in(client, next="/console/things?a=1&b=2")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/console/things?a=1&b=2")
    assert client.get("/console/things?a=1&b=2").text == "things"
    home = client.get("/console/")
    assert "Cán bộ một cửa" in home.text
    assert client.get(SIGN_IN).headers["location"] == "/console/", "who is signed in needs no form"
    cookie = client.cookies["motcua_staff"]
    out = client.post("/console/sign-out", data={"csrf_token": csrf_of(home.text)})
    assert out.headers["location"] == "/console/sign-in?out=1"
    assert "đã đăng xuất" in client.get(out.headers["location"]).text
    client.cookies.set("motcua_staff", cookie)
    gone = client.get("/console/")
    assert gone.headers["location"] == "/console/sign-in?next=%2Fconsole%2F&expired=1", "the old id is worth nothing"
    assert [entry.what for entry in app.state.staff.audit.entries(who="lan")] == ["sign_out", "sign_in"]


def test_the_cookie_is_out_of_reach(client: TestClient) -> None:
    (cookie,) = cookies_of(sign_in(client), "motcua_staff=")
    assert cookie.split("; ", 1)[1] == "HttpOnly; Path=/; SameSite=lax"
    secure = TestClient(client.app, base_url="https://testserver", follow_redirects=False)
    (cookie,) = cookies_of(sign_in(secure), "__Host-motcua_staff=")
    assert cookie.split("; ", 1)[1] == "HttpOnly; Path=/; SameSite=lax; Secure"
    assert secure.get("/console/things").status_code == 200


def cookies_of(response, start: str) -> list[str]:  # type: ignore[no-untyped-def]
    return [cookie for cookie in response.headers.get_list("set-cookie") if cookie.startswith(start)]


def test_an_id_that_somebody_planted_is_not_taken_over(app: FastAPI, client: TestClient) -> None:
    victim = TestClient(app, follow_redirects=False)
    token = csrf_of(victim.get(SIGN_IN).text)
    planted = app.state.staff.sessions.start(account(app, Role.AGENT, "attacker"))
    victim.cookies.set("motcua_staff", planted)
    (cookie,) = cookies_of(
        victim.post(SIGN_IN, data={"csrf_token": token, "name": "lan", "password": PASSWORD}), "motcua_staff="
    )
    assert planted not in cookie
    assert app.state.staff.sessions.find(planted) is None
    assert app.state.staff.sessions.find(cookie.split(";")[0].partition("=")[2]).name == "lan"


@pytest.mark.parametrize(
    "name", ["lan", "nobody", "", "tên có dấu", "x" * 5_000, "\x00", "'; drop table staff_account;"]
)
def test_the_answer_does_not_tell_who_has_an_account(client: TestClient, name: str) -> None:
    wrong = sign_in(client, name, "not the password")
    assert wrong.status_code == 400
    assert notice(wrong.text) == "Tên đăng nhập hoặc mật khẩu chưa đúng. Anh/chị kiểm tra lại rồi thử lần nữa."
    assert "motcua_staff" not in client.cookies


def test_a_disabled_account_gets_the_same_answer_even_with_its_password(client: TestClient, app: FastAPI) -> None:
    staff = app.state.staff
    staff.accounts.set_disabled(staff.accounts.get("lan"), True)
    refused = sign_in(client)
    assert refused.status_code == 400
    assert "chưa đúng" in notice(refused.text)


def test_known_and_unknown_names_take_the_same_time(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    real = passwords.PasswordHasher(time_cost=3, memory_cost=16_384, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", real)
    passwords._nobodys_hash.cache_clear()
    account(app, Role.OFFICER, "lan", PASSWORD)
    staff = app.state.staff
    staff.with_password("nobody", "warm up", None)
    spent: dict[str, list[float]] = {"lan": [], "nobody": []}
    for _ in range(8):
        for name, times in spent.items():
            staff.lockout.clear(name)
            began = time.process_time()
            staff.with_password(name, "wrong password", None)
            times.append(time.process_time() - began)
    known, unknown = (sorted(times)[2] for times in spent.values())
    assert 0.6 < known / unknown < 1.6, (known, unknown)
    passwords._nobodys_hash.cache_clear()


@pytest.mark.parametrize("name", ["lan", "nobody"])
def test_after_five_failures_even_the_right_password_must_wait(client: TestClient, name: str) -> None:
    for _ in range(PER_ACCOUNT.free):
        assert sign_in(client, name, "wrong password").status_code == 400
    locked = sign_in(client, name)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 60
    assert notice(locked.text) == "Đã nhập sai nhiều lần. Anh/chị thử lại sau 1 phút, hoặc hỏi người quản trị."


def test_a_right_password_forgets_earlier_failures(client: TestClient) -> None:
    for _ in range(3):
        for _ in range(PER_ACCOUNT.free - 1):
            sign_in(client, password="wrong password")
        assert sign_in(client).status_code == 303
        client.cookies.clear()


def test_the_audit_has_failures_and_never_what_was_typed(client: TestClient, app: FastAPI) -> None:
    sign_in(client, password="wrong password")
    sign_in(client, name="mat-khau-go-nham", password="x")
    entries = app.state.staff.audit.entries()
    assert [(entry.who, entry.what) for entry in entries] == [("?", "sign_in_failed"), ("lan", "sign_in_failed")]


def test_a_hash_of_other_parameters_is_made_anew_at_sign_in(client: TestClient, app: FastAPI) -> None:
    staff = app.state.staff
    before = staff.accounts.get("lan").password_hash
    strong = passwords.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    passwords._hasher, quick = strong, passwords._hasher
    try:
        assert sign_in(client).status_code == 303
    finally:
        passwords._hasher = quick
    after = staff.accounts.get("lan").password_hash
    assert "t=2" in after
    assert before != after
    assert passwords.matches(after, PASSWORD)


# -- CSRF ---------------------------------------------------------------------------------------


def test_the_sign_in_form_works_only_from_the_browser_it_was_given_to(app: FastAPI, client: TestClient) -> None:
    token = csrf_of(TestClient(app).get(SIGN_IN).text)
    form = {"name": "lan", "password": PASSWORD}
    for data in (form, form | {"csrf_token": token}, form | {"csrf_token": "ß"}):
        client.cookies.clear()
        refused = client.post(SIGN_IN, data=data)
        assert refused.status_code == 403
        assert 'name="csrf_token"' in refused.text, "a new form, so that the person can go on"
        assert "motcua_staff" not in client.cookies


def test_what_changes_something_needs_the_sessions_token(app: FastAPI) -> None:
    client, other = signed_in_client(app, Role.AGENT), signed_in_client(app, Role.AGENT)
    assert client.post("/api/v1/things").json() == {"by": "agent"}
    for token in (None, "", "wrong", other.headers["X-CSRF-Token"]):
        client.headers.pop("X-CSRF-Token", None)
        headers = {} if token is None else {"X-CSRF-Token": token}
        refused = client.post("/api/v1/things", headers=headers)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "csrf"
    page = client.post("/console/sign-out")
    assert page.status_code == 403
    assert "tải lại trang" in page.text
    assert page.headers["content-type"].startswith("text/html")


# -- who may ------------------------------------------------------------------------------------


def test_an_api_says_so_in_the_one_error_shape(app: FastAPI) -> None:
    answer = TestClient(app).get("/api/v1/things")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "sign_in_needed"
    assert answer.json()["error"]["message"] == "Anh/chị cần đăng nhập để dùng phần này."


@pytest.mark.parametrize("role", Role)
def test_roles(app: FastAPI, role: Role) -> None:
    client = signed_in_client(app, role)
    agents = client.post("/api/v1/things").status_code == 200
    officers = client.get("/api/v1/things").status_code == 200
    expected = {
        Role.AGENT: (True, False),
        Role.SUPERVISOR: (True, False),
        Role.OFFICER: (False, True),
        Role.ADMIN: (True, True),
    }
    assert (agents, officers) == expected[role]
    page = client.get("/console/things")
    assert page.status_code == (200 if officers else 403)
    if not officers:
        assert "không có quyền" in page.text
        assert "Đăng xuất" in page.text


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.AGENT, {Role.AGENT}),
        (Role.SUPERVISOR, {Role.SUPERVISOR, Role.AGENT}),
        (Role.OFFICER, {Role.OFFICER}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_what_a_role_includes(role: Role, included: set[Role]) -> None:
    assert {other for other in Role if role.may_act_as(other)} == included
    assert role.may_act_as()


def test_me(app: FastAPI) -> None:
    client = signed_in_client(app, Role.SUPERVISOR)
    found = client.get("/api/v1/staff/me").json()
    assert found == {
        "name": "supervisor",
        "display": "Trưởng ca",
        "role": "supervisor",
        "csrf_token": client.headers["X-CSRF-Token"],
    }


# -- where to go on -----------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["/console/", "/console", "/console/calls?phone=1&q=khai%20sinh", "/console/x#y"])
def test_pages_of_the_console_are_gone_on_to(inside: str) -> None:
    assert safe_next(inside) == inside


@pytest.mark.parametrize(
    "outside",
    [
        None,
        "",
        "/",
        "/api/v1/things",
        "https://evil.example/console/",
        "//evil.example/console/",
        "///evil.example/console/",
        "/\\evil.example/console/",
        "\\\\evil.example",
        "/console/../../evil",
        "/console\\@evil.example",
        "/console/\\evil.example",
        "/consolex",
        "javascript:alert(1)",
        "/console/\r\nSet-Cookie: a=b",
        " //evil.example",
        "http:/console/",
        "//[",
        "/console/sign-in?next=/console/",
        "/console/" + "x" * 3_000,
    ],
)
def test_other_places_are_not(client: TestClient, outside: str | None) -> None:
    assert safe_next(outside) == "/console/"
    assert sign_in(client, next=outside or "").headers["location"] == "/console/"


# -- one's own password -------------------------------------------------------------------------


def change(client: TestClient, old: str, new: str, again: str | None = None):  # type: ignore[no-untyped-def]
    token = csrf_of(client.get("/console/password").text)
    data = {"csrf_token": token, "old": old, "new": new, "again": new if again is None else again}
    return client.post("/console/password", data=data)


def test_changing_ones_password_ends_every_session(client: TestClient, app: FastAPI) -> None:
    sign_in(client)
    elsewhere = TestClient(app, follow_redirects=False)
    sign_in(elsewhere)
    changed = change(client, PASSWORD, "câu mới dài hơn nữa")
    assert changed.headers["location"] == "/console/sign-in?changed=1"
    assert elsewhere.get("/console/").status_code == 303
    assert sign_in(elsewhere).status_code == 400
    assert sign_in(elsewhere, password="câu mới dài hơn nữa").status_code == 303
    assert app.state.staff.audit.entries(who="lan")[1].what in ("password_changed", "sign_in_failed")


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong password", "câu mới dài hơn nữa", None, "Mật khẩu đang dùng chưa đúng."),
        (PASSWORD, "câu mới dài hơn nữa", "khác", "Hai lần nhập mật khẩu mới chưa giống nhau."),
        (PASSWORD, "ngắn", None, "Mật khẩu mới cần ít nhất 10 ký tự."),
        (PASSWORD, "matkhau123456", None, "Mật khẩu này nhiều người dùng nên dễ bị đoán."),
    ],
)
def test_what_is_wrong_with_a_new_password(
    client: TestClient, old: str, new: str, again: str | None, said: str
) -> None:
    sign_in(client)
    refused = change(client, old, new, again)
    assert refused.status_code == 400
    assert said in refused.text
    assert client.get("/console/").status_code == 200


def test_a_found_session_is_no_way_to_guess_the_password(client: TestClient) -> None:
    sign_in(client)
    for _ in range(PER_ACCOUNT.free):
        assert "chưa đúng" in change(client, "wrong password", "câu mới dài hơn nữa").text
    assert "sai nhiều lần" in change(client, PASSWORD, "câu mới dài hơn nữa").text


# -- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/console/", "/console/password", SIGN_IN, "/console/things-nowhere"])
def test_pages_forbid_all_but_our_own_files(app: FastAPI, path: str) -> None:
    client = TestClient(app) if path == SIGN_IN else signed_in_client(app, Role.ADMIN)
    page = client.get(path)
    if path.endswith("nowhere"):
        assert page.status_code == 404
        return
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|https?://", page.text)


def test_bodies_that_are_no_form_break_nothing(client: TestClient) -> None:
    for body, kind in (
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"--x", "multipart/form-data"),
    ):
        answer = client.post(SIGN_IN, content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 403), (kind, answer.status_code)


def test_uploaded_files_are_no_names(client: TestClient) -> None:
    token = csrf_of(client.get(SIGN_IN).text)
    answer = client.post(
        SIGN_IN, data={"csrf_token": token}, files={"name": ("a.txt", b"lan"), "password": ("b", b"x")}
    )
    assert answer.status_code == 400


def test_a_database_that_is_away_is_said_so(app: FastAPI) -> None:
    client = signed_in_client(app, Role.OFFICER)
    app.state.staff.sessions._engine = connect("postgresql://nobody@127.0.0.1:1/none")
    api = client.get("/api/v1/things")
    assert (api.status_code, api.json()["error"]["code"]) == (503, "unavailable")
    page = client.get("/console/")
    assert page.status_code == 503
    assert "thử lại sau ít phút" in page.text


@pytest.mark.parametrize("role", [None, Role.AGENT])
def test_the_api_is_as_described(app: FastAPI, role: Role | None) -> None:
    headers = {}
    if role:
        client = signed_in_client(app, role)
        headers = {"cookie": f"motcua_staff={client.cookies['motcua_staff']}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).include(path="/api/v1/staff/me")
    (operation,) = [found.ok() for found in schema.get_all_operations()]

    @given(operation.as_strategy())
    @hypothesis_settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def send(case: Any) -> None:
        response = case.call(headers=headers)
        case.validate_response(response)
        assert response.status_code == (200 if role else 401)

    send()


def test_the_slash_may_be_left_out(app: FastAPI) -> None:
    client = TestClient(app, follow_redirects=False)
    assert client.get("/console").headers["location"] == "/console/"
    assert client.get("/console?phone=1&q=x").headers["location"] == "/console/?phone=1&q=x"
