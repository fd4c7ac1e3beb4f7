"""Which differences are worth telling, and that what is kept of a dossier tells nothing by itself."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.dossiers.changes import Seen, headline, words
from actions.dossiers.dossier import Dossier, Payment, State, Supplement

NOW = dt.datetime(2026, 11, 12, 9, 5)
HEAD = "Tin anh/chị nhờ báo: "


def on(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour)


BASE = Dossier("H57.17.26-261102-0002", State.PROCESSING, "Đang xử lý", "thử", NOW, due_at=on(16), received_at=on(2))
ASKED = Supplement(on(10), "Bản sao giấy khai sinh")
PAID = Payment(60_000, "Lệ phí")


def told(before: Dossier, after: Dossier, now: dt.datetime = NOW) -> str:
    line = headline(Seen.of(before, now), after, now)
    assert not line or (line.startswith(HEAD) and line.endswith(".") and "\n" not in line)
    return line.removeprefix(HEAD).removesuffix(".")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"state": State.FINISHED}, "hồ sơ chuyển từ “Đang xử lý” sang “Đã xử lý xong”"),
        (
            {},
            {"state": State.UNKNOWN, "label": "Chuyển thuế"},
            "hồ sơ chuyển từ “Đang xử lý” sang “Chưa rõ trạng thái”",
        ),
        (
            {"state": State.UNKNOWN, "label": "Chuyển thuế"},
            {"state": State.UNKNOWN, "label": "Chờ ký"},
            "hệ thống ghi tình trạng mới là “Chờ ký”",
        ),
        ({}, {"due_at": on(20)}, "ngày hẹn trả đổi từ 16/11/2026 thành 20/11/2026"),
        ({"due_at": None}, {}, "có ngày hẹn trả kết quả là 16/11/2026"),
        ({}, {"apology_sent": True}, "hệ thống ghi cơ quan đã gửi văn bản xin lỗi"),
        (
            {},
            {"apology_sent": True, "new_due_at": on(25)},
            "hệ thống ghi cơ quan đã gửi văn bản xin lỗi; ngày hẹn mới là 25/11/2026",
        ),
        (
            {},
            {"state": State.SUPPLEMENT, "supplements": (ASKED,)},
            "hồ sơ chuyển từ “Đang xử lý” sang “Yêu cầu bổ sung giấy tờ”",
        ),
        (
            {"state": State.SUPPLEMENT, "supplements": (ASKED,)},
            {"state": State.SUPPLEMENT, "supplements": (ASKED, Supplement(on(11), "Ảnh"))},
            "có yêu cầu bổ sung giấy tờ mới",
        ),
        (
            {"state": State.SUPPLEMENT, "supplements": (ASKED,)},
            {"state": State.SUPPLEMENT, "supplements": (replace(ASKED, content="Bản chính giấy khai sinh"),)},
            "yêu cầu bổ sung giấy tờ được ghi lại",
        ),
        ({}, {"payment": PAID}, "có khoản phải nộp"),
        ({"payment": PAID}, {"payment": replace(PAID, amount=80_000)}, "khoản phải nộp thay đổi"),
        (
            {},
            {"state": State.PAYMENT, "payment": PAID},
            "hồ sơ chuyển từ “Đang xử lý” sang “Yêu cầu thực hiện nghĩa vụ tài chính”",
        ),
    ],
)
def test_real_changes_are_said_in_one_line(before: dict, after: dict, line: str) -> None:  # type: ignore[type-arg]
    assert told(replace(BASE, **before), replace(BASE, **after)) == line


FULL = replace(BASE, supplements=(ASKED,), payment=PAID, apology_sent=True, new_due_at=on(25))


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"due_at": on(16, 17)},
        {"due_at": None},
        {"new_due_at": None, "apology_sent": False},
        {"supplements": (), "payment": None},
        {"payment": Payment()},
        {"supplements": (replace(ASKED, done_at=on(11)),)},
        {"supplements": (replace(ASKED, content="  Bản sao  giấy khai sinh "),)},
        {"supplements": (ASKED, Supplement(on(10), "Ảnh", done_at=on(11)))},
        {"label": "Đang thụ lý", "agency": "UBND phường B", "place": "x", "updated_at": on(12), "fetched_at": on(12)},
        {"due_at": dt.datetime(9999, 12, 31)},
    ],
)
def test_what_is_no_change_is_not_told(after: dict) -> None:  # type: ignore[type-arg]
    assert told(FULL, replace(FULL, **after)) == ""


def test_a_date_that_passes_is_no_change() -> None:
    seen = Seen.of(BASE, NOW)
    assert headline(seen, BASE, NOW + dt.timedelta(days=30)) == ""


def test_what_was_left_out_for_a_while_is_not_told_anew() -> None:
    silent = replace(BASE, due_at=None)
    seen = Seen.of(FULL, NOW).then(silent, NOW)
    assert headline(seen, FULL, NOW) == ""
    assert headline(seen, replace(FULL, due_at=on(30)), NOW) != ""


def test_texts_of_systems_are_shown_without_personal_numbers() -> None:
    line = told(
        replace(BASE, state=State.UNKNOWN, label="A"), replace(BASE, state=State.UNKNOWN, label="Gọi 0912345678")
    )
    assert "0912345678" not in line
    assert (
        told(replace(BASE, state=State.UNKNOWN, label="A"), replace(BASE, state=State.UNKNOWN, label=" "))
        == (words()["changes"]["label_unnamed"])
    )


def test_what_is_kept_holds_no_text_of_the_system() -> None:
    full = replace(FULL, state=State.UNKNOWN, label="Chờ bà Thử", reason="ông Mẫu", payment=Payment(60_000, "bà Thử"))
    kept = json.dumps(Seen.of(full, NOW).to_json(), ensure_ascii=False)
    for text in ("Thử", "Mẫu", "khai sinh", "60000", BASE.code):
        assert text not in kept


days = st.none() | st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2032, 1, 1))
dossiers = st.builds(
    Dossier,
    code=st.just(BASE.code),
    state=st.sampled_from(State),
    label=st.text(max_size=5),
    source=st.just("thử"),
    fetched_at=st.just(NOW),
    due_at=days,
    new_due_at=days,
    supplements=st.lists(st.builds(Supplement, asked_at=days, content=st.text(max_size=5), done_at=days)).map(tuple),
    payment=st.none() | st.builds(Payment, amount=st.none() | st.integers(0, 9), content=st.text(max_size=3)),
    apology_sent=st.booleans(),
)


@settings(deadline=None, derandomize=True)
@given(dossiers, dossiers)
def test_what_was_told_survives_storing_and_is_told_once(one: Dossier, other: Dossier) -> None:
    seen = Seen.of(one, NOW)
    assert Seen.from_json(json.loads(json.dumps(seen.to_json()))) == seen
    assert headline(seen, one, NOW) == ""
    assert headline(seen.then(other, NOW), other, NOW) == ""
