"""The review list's page: who may, what it shows, and that one's own mark needs somebody else."""

from __future__ import annotations

import datetime as dt
import html
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from actions.feedback.instruments import load
from actions.feedback.reviews import Reviews, State
from actions.procedures import ProcedureTalk
from connectors.console import reviews
from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.signed_in import signed_in_client, staff_app

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path, talk: ProcedureTalk) -> FastAPI:
    app = staff_app(engine, Settings(home=tmp_path), reviews.router)
    app.state.reviews, app.state.instruments = Reviews(engine), load()
    app.state.catalogue, app.state.talk = talk.catalogue, talk
    return app


def one_question(app: FastAPI, text: str = "con mới đẻ làm giấy gì") -> str:
    app.state.reviews.rated_bad(text, "1.000656", "wrong_procedure", TODAY)
    return app.state.reviews.entries()[0].id


@pytest.mark.parametrize(("role", "status"), [(Role.AGENT, 403), (Role.SUPERVISOR, 403), (Role.OFFICER, 200), (Role.ADMIN, 200)])
def test_who_may_see_it(app: FastAPI, role: Role, status: int) -> None:
    assert signed_in_client(app, role).get("/console/reviews").status_code == status


def test_a_question_goes_from_the_list_to_the_installations_files(app: FastAPI, tmp_path: Path) -> None:
    id = one_question(app)
    lan = signed_in_client(app, Role.OFFICER, "lan")
    shown = html.unescape(lan.get("/console/reviews").text)
    assert "con mới đẻ làm giấy gì" in shown
    assert "sai thủ tục" in shown
    assert "1.001193" in shown, "the search suggests registering the birth"
    assert lan.post(f"/console/reviews/{id}/mark", data={"code": "1.001193"}).status_code == 303
    assert lan.post(f"/console/reviews/{id}/approve").status_code == 409, "not by who marked it"
    assert not (tmp_path / "phrases").exists()
    minh = signed_in_client(app, Role.OFFICER, "minh")
    assert minh.post(f"/console/reviews/{id}/approve").status_code == 303
    written = (tmp_path / "phrases" / "reviewed.yml").read_text() + (tmp_path / "evaluation" / "reviewed.jsonl").read_text()
    assert written.count("con mới đẻ làm giấy gì") == 1
    assert "Đã duyệt (1)" in minh.get("/console/reviews?state=approved").text


def test_other_procedures_are_found_by_words(app: FastAPI) -> None:
    id = one_question(app)
    client = signed_in_client(app, Role.OFFICER)
    found = client.get("/console/reviews", params={"state": "open", "id": id, "q": "giấy xác nhận độc thân"}).text
    assert "hôn nhân" in html.unescape(found)


def test_wrong_steps_are_refused_with_words_and_change_nothing(app: FastAPI) -> None:
    id = one_question(app)
    client = signed_in_client(app, Role.OFFICER)
    assert client.post(f"/console/reviews/{id}/mark", data={"code": "9.999999"}).status_code == 400
    assert client.post("/console/reviews/nothing/mark", data={"code": "none"}).status_code == 409
    assert client.get("/console/reviews?state=nothing").status_code == 404
    assert client.post(f"/console/reviews/{id}/mark", data={"code": "none"}, headers={"X-CSRF-Token": "no"}).status_code == 403
    assert [one.id for one in app.state.reviews.entries()] == [id]
    assert client.post(f"/console/reviews/{id}/mark", data={"code": "none"}).status_code == 303
    assert app.state.reviews.entries(State.MARKED)[0].right_code is None
    assert client.post(f"/console/reviews/{id}/dismiss").status_code == 303
    assert app.state.reviews.counts()["dismissed"] == 1


def test_what_people_typed_is_text_on_the_page(app: FastAPI) -> None:
    one_question(app, "<script>alert(1)</script> khai sinh")
    assert "<script>alert(1)" not in signed_in_client(app, Role.OFFICER).get("/console/reviews").text
