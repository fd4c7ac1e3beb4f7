"""The officers' list of petitions: order, steps, answers, and who may."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.dossiers.reading import vietnam_now
from actions.feedback.petitions import Kind, Petition, Petitions, State
from actions.feedback.responses import About
from connectors.console import petitions
from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.signed_in import signed_in_client, staff_app

NOW = vietnam_now()


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path) -> FastAPI:
    app = staff_app(engine, Settings(home=tmp_path), petitions.router)
    app.state.petitions = Petitions(engine)
    return app


@pytest.fixture
def http(app: FastAPI) -> TestClient:
    return signed_in_client(app, Role.OFFICER, "lan")


def sent(app: FastAPI, days_ago: int = 0, words: str = "Bàn số 2 làm chậm") -> Petition:
    petition: Petition = app.state.petitions.submit(
        Kind.DIFFICULTY, words, About("web", "Xã Mẫu"), NOW - dt.timedelta(days=days_ago)
    )
    return petition


def test_overdue_ones_come_first(http: TestClient, app: FastAPI) -> None:
    new, old = sent(app), sent(app, days_ago=30)
    html = http.get("/console/petitions").text
    assert html.index(old.number) < html.index(new.number)
    assert html.count("Quá hạn") == 1


def test_a_petition_is_answered_and_published(http: TestClient, app: FastAPI) -> None:
    number = sent(app, words="<b>Chậm</b>").number
    assert "&lt;b&gt;Chậm" in http.get(f"/console/petitions/{number}").text
    moved = http.post(f"/console/petitions/{number}/step", data={"state": "processing"})
    assert "Đã ghi bước xử lý." in http.get(moved.headers["location"]).text
    http.post(f"/console/petitions/{number}/answer", data={"text": "Đã thêm một bàn."})
    assert number in http.get("/console/petitions?xem=answered").text
    assert http.post(f"/console/petitions/{number}/publish").status_code == 303
    found = app.state.petitions.find(number)
    assert (found.state, found.answer) == (State.PUBLISHED, "Đã thêm một bàn.")
    assert number not in http.get("/console/petitions").text
    assert number in http.get("/console/petitions?xem=closed").text
    deeds = [entry.what for entry in app.state.staff.audit.entries(who="lan", code=number)]
    assert deeds == ["petition_published", "petition_answered", "petition_moved"]


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("step", {}, "Anh/chị chọn một bước."),
        ("step", {"state": "refused"}, "Cần ghi lý do"),
        ("step", {"state": "published", "note": "x"}, "Anh/chị chọn một bước."),
        ("answer", {"text": "  "}, "đang trống"),
        ("answer", {"text": "a" * 4_001}, "dài quá"),
        ("publish", {}, "Chỉ công khai được"),
    ],
)
def test_steps_that_are_not_possible_say_why(
    http: TestClient, app: FastAPI, path: str, form: dict[str, str], said: str
) -> None:
    petition = sent(app)
    refused = http.post(f"/console/petitions/{petition.number}/{path}", data=form)
    assert refused.status_code == 409
    assert said in refused.text
    assert app.state.petitions.find(petition.number) == petition


def test_what_was_written_stays_when_a_step_is_refused(http: TestClient, app: FastAPI) -> None:
    number = sent(app).number
    http.post(f"/console/petitions/{number}/answer", data={"text": "Xong."})
    refused = http.post(
        f"/console/petitions/{number}/step", data={"state": "refused", "note": "Không thuộc thẩm quyền"}
    )
    assert refused.status_code == 409


@pytest.mark.parametrize("path", ["/PA-261124-AAAAAA", "/x", "?xem=x"])
def test_what_is_not_there_is_a_page(http: TestClient, path: str) -> None:
    response = http.get(f"/console/petitions{path}")
    assert response.status_code == 404
    assert "<h1>Không thực hiện được</h1>" in response.text


@pytest.mark.parametrize(
    ("role", "status"), [(Role.AGENT, 403), (Role.SUPERVISOR, 403), (Role.OFFICER, 200), (Role.ADMIN, 200)]
)
def test_officers_only(app: FastAPI, role: Role, status: int) -> None:
    assert signed_in_client(app, role).get("/console/petitions").status_code == status
