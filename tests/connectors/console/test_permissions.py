"""Every route of the hotline's console against every role, without a session, and without the CSRF token."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from connectors.staff.roles import Role
from tests.connectors.console.desk import BIRTH
from tests.signed_in import signed_in_client

AGENTS = {Role.AGENT, Role.SUPERVISOR, Role.ADMIN}
SUPERVISORS = {Role.SUPERVISOR, Role.ADMIN}
REF = "0" * 32
API = "/api/v1/console"
NOTE = {"outcome": "answered"}

ROUTES: list[tuple[str, str, object, set[Role]]] = [
    ("GET", f"{API}/search?q=khai+sinh", None, AGENTS),
    ("GET", f"{API}/procedures/{BIRTH}", None, AGENTS),
    ("GET", f"{API}/procedures/{BIRTH}/place?q=Hà+Nội", None, AGENTS),
    ("GET", f"{API}/now", None, AGENTS),
    ("GET", f"{API}/calls", None, AGENTS),
    ("GET", f"{API}/calls?everybody=true", None, SUPERVISORS),
    ("PUT", f"{API}/seat", {"extension": "101"}, AGENTS),
    ("POST", f"{API}/calls/begin", {}, AGENTS),
    ("POST", f"{API}/calls/1/take", {}, AGENTS),
    ("POST", f"{API}/calls/1/note", NOTE, AGENTS),
    ("POST", f"{API}/calls/1/number", {}, AGENTS),
    ("POST", f"{API}/calls/1/done", {}, AGENTS),
    ("POST", f"{API}/missing", {"question": "giấy gì"}, AGENTS),
    ("POST", f"{API}/send", {"procedure_code": BIRTH}, AGENTS),
    ("POST", f"{API}/dossiers/lookup", {"code": "H57.17.26-261112-0006"}, AGENTS | {Role.OFFICER}),
    ("GET", f"{API}/conversations", None, AGENTS),
    ("GET", f"{API}/conversations/{REF}", None, AGENTS),
    ("POST", f"{API}/conversations/{REF}/claim", {}, AGENTS),
    ("POST", f"{API}/conversations/{REF}/reply", {"text": "chào"}, AGENTS),
    ("POST", f"{API}/conversations/{REF}/release", {}, AGENTS),
    ("POST", f"{API}/conversations/{REF}/close", {}, AGENTS),
    ("POST", f"{API}/conversations/{REF}/contact", {}, AGENTS),
    ("GET", f"{API}/approvals", None, SUPERVISORS),
    ("POST", f"{API}/approvals/1/send", {}, SUPERVISORS),
    ("POST", f"{API}/approvals/1/drop", {}, SUPERVISORS),
    ("GET", "/console/hotline", None, AGENTS),
    ("GET", "/console/conversations", None, AGENTS),
    ("GET", "/console/calls", None, SUPERVISORS),
    ("GET", "/console/calls.csv", None, SUPERVISORS),
    ("GET", "/console/audit", None, SUPERVISORS),
]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_should_and_no_more(hotline: FastAPI, role: Role) -> None:
    client = signed_in_client(hotline, role)
    for method, path, body, allowed in ROUTES:
        status = client.request(method, path, json=body).status_code
        assert (status != 403) == (role in allowed), (role, method, path, status)
        assert status in (200, 403, 404, 409), (role, method, path, status)


def test_nobody_gets_anything_without_a_session(hotline: FastAPI) -> None:
    client = TestClient(hotline, follow_redirects=False)
    for method, path, body, _ in ROUTES:
        response = client.request(method, path, json=body)
        assert response.status_code == (401 if path.startswith("/api/") else 303), (method, path)


def test_nothing_is_changed_without_the_csrf_token(hotline: FastAPI) -> None:
    client = signed_in_client(hotline, Role.ADMIN)
    for method, path, body, _ in ROUTES:
        if method != "GET":
            response = client.request(method, path, json=body, headers={"X-CSRF-Token": "another"})
            assert (response.status_code, response.json()["error"]["code"]) == (403, "csrf"), (method, path)


def test_every_route_is_in_the_matrix(hotline: FastAPI) -> None:
    paths = {path.partition("?")[0] for _, path, _, _ in ROUTES}
    named = {
        path.replace("{code}", BIRTH).replace("{id}", "1").replace("{ref}", REF)
        for path in hotline.openapi()["paths"]
        if path.startswith(API)
    }
    assert named <= paths
