"""The pages in the whole app, among its other routes and behind its middleware."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.app import create_app
from knowledge.settings import Settings
from tests.connectors.surveys.site import fill


@pytest.fixture(scope="module")
def http(starter_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(starter_settings), follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/khao-sat", "/khao-sat/poll?tt=1.001193", "/khao-sat/service", "/phan-anh", "/phan-anh/tra-cuu"]
)
def test_pages_are_there_with_strict_headers(http: TestClient, path: str) -> None:
    shown = http.get(path)
    assert shown.status_code == 200
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert http.get("/khao-sat/static/survey.css").status_code == 200


@pytest.mark.parametrize("path", ["/console/entry", "/console/petitions"])
def test_staff_pages_ask_to_sign_in(http: TestClient, path: str) -> None:
    assert http.get(path).headers["location"].startswith("/console/sign-in")


def test_from_poll_to_petition(http: TestClient) -> None:
    """No dossier is answered about here: other tests ask about those of this shared installation."""
    fill(http, "/khao-sat/poll", seats="1")
    assert "Gửi phản ánh, kiến nghị" in http.get("/khao-sat/poll/cam-on").text
    sent = fill(http, "/phan-anh", kind="difficulty", text="Chờ lâu quá")
    assert "Số của anh/chị là" in sent.text
