"""Entry of paper and hotline answers: what is kept, what is not, counts, undo, days, roles."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.audit import AuditEntry
from actions.dossiers.reading import vietnam_now
from actions.feedback.responses import Response
from connectors.console import entry
from connectors.staff.roles import Role
from connectors.surveys.desk import SurveyDesk
from knowledge.catalogue import Catalogue
from knowledge.settings import Settings
from tests.connectors.surveys.site import BIRTH, KEY
from tests.signed_in import signed_in_client, staff_app

TODAY = vietnam_now().date()
EVER = dt.date(2000, 1, 1), dt.date(2100, 1, 1)


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path) -> FastAPI:
    settings = Settings(home=tmp_path, commune="Xã Mẫu")
    catalogue = Catalogue(engine)
    catalogue.import_records("test", "office", [BIRTH])
    app = staff_app(engine, settings, entry.router)
    app.state.surveys = SurveyDesk.open(engine, KEY, catalogue, settings)
    return app


@pytest.fixture
def http(app: FastAPI) -> TestClient:
    return signed_in_client(app, Role.OFFICER, "lan")


def batch(**changes: str) -> dict[str, str]:
    return {"phieu": "poll", "kenh": "paper", "ngay": TODAY.isoformat()} | changes


def enter(http: TestClient, about: dict[str, str], form: dict[str, str] | None = None, **answers: object) -> Any:
    """Open a sheet and save it."""
    if form is None:
        form = ticket_of(http, about)
    return http.post("/console/entry", params=about, data=form | answers)


def ticket_of(http: TestClient, about: dict[str, str]) -> dict[str, str]:
    html = http.get("/console/entry", params=about).text
    return {"ma_phieu": re.findall(r'name="ma_phieu" value="([^"]+)"', html)[0]}


def kept(app: FastAPI) -> list[Response]:
    return app.state.surveys.responses.within(*EVER)


def audited(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(AuditEntry.who, AuditEntry.what))]


def test_sheets_are_kept_under_their_day_and_channel(http: TestClient, app: FastAPI) -> None:
    earlier = (TODAY - dt.timedelta(days=40)).isoformat()
    sent = enter(
        http, batch(ngay=earlier, tt="1.001193", kenh="hotline"), seats="4", comment="Bà Trần Thị B thân thiện"
    )
    assert sent.status_code == 303
    (one,) = kept(app)
    assert (one.day.isoformat(), one.channel, one.commune) == (earlier, "hotline", "Xã Mẫu")
    assert (one.procedure_code, one.field, one.answers) == ("1.001193", "Hộ tịch", {"seats": 4})
    assert "Trần" not in one.comments["comment"]


def test_the_next_sheet_follows_at_once_with_the_count(http: TestClient) -> None:
    for _ in range(3):
        shown = http.get(enter(http, batch(), seats="4").headers["location"])
    assert "Đã lưu phiếu." in shown.text
    assert "đã nhập <strong>3</strong> phiếu" in shown.text
    assert " checked" not in shown.text


def test_the_audit_has_one_entry_a_day_that_only_counts(http: TestClient, engine: sa.Engine) -> None:
    for _ in range(3):
        enter(http, batch(), seats="4")
    assert audited(engine) == [("lan", "survey_sheets:3")]


def test_nothing_beside_a_response_names_the_member(http: TestClient, engine: sa.Engine) -> None:
    enter(http, batch(), seats="4")
    with engine.connect() as connection:
        for table in ("survey_response", "survey_ticket"):
            for row in connection.execute(sa.text(f"select * from {table}")):
                assert "lan" not in [str(value) for value in row]


def test_a_sheet_sent_twice_is_one_and_counted_once(http: TestClient, app: FastAPI, engine: sa.Engine) -> None:
    form = ticket_of(http, batch())
    for seats in ("4", "2"):
        enter(http, batch(), form, seats=seats)
    assert [one.answers for one in kept(app)] == [{"seats": 2}]
    assert audited(engine) == [("lan", "survey_sheets:1")]


def test_the_last_sheet_can_be_taken_back_also_when_it_is_an_old_one(
    http: TestClient, app: FastAPI, engine: sa.Engine
) -> None:
    about = batch(ngay=(TODAY - dt.timedelta(days=90)).isoformat())
    enter(http, about, seats="4")
    enter(http, about, seats="1")
    undone = http.post("/console/entry/undo", params=about)
    assert undone.status_code == 303
    assert "Đã bỏ phiếu vừa nhập." in http.get(undone.headers["location"]).text
    assert [one.answers for one in kept(app)] == [{"seats": 4}]
    assert audited(engine) == [("lan", "survey_sheets:1")]
    again = http.post("/console/entry/undo", params=about)
    assert again.status_code == 409
    assert "Không còn phiếu nào bỏ được" in again.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ngay": (TODAY + dt.timedelta(days=1)).isoformat()}, "không sau hôm nay"),
        ({"ngay": (TODAY - dt.timedelta(days=93)).isoformat()}, "trong 92 ngày qua"),
        ({"ngay": "hôm qua"}, "trong 92 ngày qua"),
        ({"ngay": TODAY.strftime("%Y%m%d")}, "trong 92 ngày qua"),
        ({"tt": "9.999999"}, "Không có thủ tục nào mang mã này"),
        ({"don-vi": "Xã Không Có"}, "Không có đơn vị này"),
        ({"phieu": "answer"}, "Chọn một loại phiếu"),
        ({"kenh": "zalo"}, "Chọn phiếu giấy hoặc điện thoại"),
    ],
)
def test_wrong_choices_for_the_pile_are_told(
    http: TestClient, app: FastAPI, changes: dict[str, str], said: str
) -> None:
    shown = http.get("/console/entry", params=batch(**changes))
    assert shown.status_code == 422
    assert said in shown.text
    assert http.post("/console/entry", params=batch(**changes), data={"seats": "4"}).status_code == 422
    assert kept(app) == []


def test_an_empty_or_wrong_sheet_comes_back(http: TestClient, app: FastAPI) -> None:
    assert "chưa trả lời câu nào" in enter(http, batch()).text
    wrong = enter(http, batch(), seats="7", polite="5")
    assert wrong.status_code == 422
    assert 'name="polite" value="5" data-key="5" checked' in wrong.text
    assert kept(app) == []


def test_digits_are_the_values_on_paper(http: TestClient) -> None:
    html = http.get("/console/entry", params=batch()).text
    assert "<kbd>5</kbd> Rất hài lòng" in html
    assert "<kbd>1</kbd> Rất không hài lòng" in html


@pytest.mark.parametrize("role", list(Role))
def test_any_member_may_and_nobody_else(app: FastAPI, role: Role) -> None:
    assert signed_in_client(app, role).get("/console/entry").status_code == 200
    stranger = TestClient(app, follow_redirects=False).get("/console/entry", params=batch())
    assert stranger.headers["location"].startswith("/console/sign-in")


def test_a_foreign_form_is_refused(http: TestClient, app: FastAPI) -> None:
    del http.headers["X-CSRF-Token"]
    assert enter(http, batch(), seats="4").status_code == 403
    assert kept(app) == []
