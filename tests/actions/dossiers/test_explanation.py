from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.dossiers.dossier import Dossier, Payment, State, Supplement
from actions.dossiers.explanation import (
    Contact,
    Explanation,
    Name,
    StepState,
    Turn,
    explain,
    words,
)
from actions.dossiers.standing import Origin, Timing

NOW = dt.datetime(2026, 11, 12, 9, 5)  # a Thursday
ONE_SCREEN = 1_000
"""Characters that a phone shows without much scrolling."""

CONTACT = Contact(hotline="1022", portal="dichvucong.example.vn")


def on(day: int, hour: int = 17, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour)


def dossier(state: State, **values: object) -> Dossier:
    base = Dossier(
        code="H57.17.26-261102-0002",
        state=state,
        label=words()["states"][state]["title"] if state is not State.UNKNOWN else "Nhận trực tiếp",
        source="Hệ thống một cửa tỉnh A",
        fetched_at=NOW,
        procedure_code="1.001612",
        procedure_name="Đăng ký thành lập hộ kinh doanh",
        agency="UBND phường B",
        place="Trung tâm Phục vụ hành chính công phường B",
        received_at=None if state in (State.REGISTERED, State.NOT_ACCEPTED) else on(2, 9),
        updated_at=on(11, 16),
    )
    return replace(base, **values)


DUE = {"on time": on(16), "due today": on(12), "late": on(6), "no date": None}
HELD = (Timing.HELD,) * 4
OVER = (Timing.OVER,) * 4
COUNTED = (Timing.ON_TIME, Timing.DUE_TODAY, Timing.LATE, Timing.NO_DATE)
NOT_TOLD = (Timing.ON_TIME, Timing.DUE_TODAY, Timing.UNCLEAR, Timing.NO_DATE)
TIMINGS = {
    State.REGISTERED: NOT_TOLD,
    State.RECEIVED: COUNTED,
    State.NOT_ACCEPTED: OVER,
    State.PROCESSING: COUNTED,
    State.SUPPLEMENT: HELD,
    State.PAYMENT: HELD,
    State.WITHDRAWN: OVER,
    State.STOPPED: OVER,
    State.FINISHED: OVER,
    State.RETURNED: OVER,
    State.UNKNOWN: NOT_TOLD,
}
TURNS = {
    State.REGISTERED: Turn.OFFICE,
    State.RECEIVED: Turn.OFFICE,
    State.NOT_ACCEPTED: Turn.CITIZEN,
    State.PROCESSING: Turn.OFFICE,
    State.SUPPLEMENT: Turn.CITIZEN,
    State.PAYMENT: Turn.CITIZEN,
    State.WITHDRAWN: Turn.NOBODY,
    State.STOPPED: Turn.CITIZEN,
    State.FINISHED: Turn.CITIZEN,
    State.RETURNED: Turn.NOBODY,
    State.UNKNOWN: Turn.UNKNOWN,
}
STEPS = {
    State.REGISTERED: "current waiting waiting waiting",
    State.RECEIVED: "done current waiting waiting",
    State.NOT_ACCEPTED: "stopped waiting waiting waiting",
    State.PROCESSING: "done current current waiting",
    State.SUPPLEMENT: "done held waiting waiting",
    State.PAYMENT: "done held held waiting",
    State.WITHDRAWN: "done stopped stopped waiting",
    State.STOPPED: "done stopped stopped waiting",
    State.FINISHED: "done done done held",
    State.RETURNED: "done done done done",
    State.UNKNOWN: "done unknown unknown unknown",
}
DUE_WORDS = {
    Timing.ON_TIME: "Hẹn trả theo hệ thống: thứ Hai 16/11/2026 lúc 17:00, còn 2 ngày làm việc.",
    Timing.DUE_TODAY: "Hẹn trả theo hệ thống: hôm nay, thứ Năm 12/11/2026 lúc 17:00.",
    Timing.LATE: "Hẹn trả theo hệ thống: thứ Sáu 06/11/2026 lúc 17:00, đã quá hẹn 4 ngày làm việc.",
    Timing.UNCLEAR: "Hẹn trả theo hệ thống: thứ Sáu 06/11/2026 lúc 17:00, đã qua",
    Timing.OVER: "",
}
NEVER_SAID = ("bồi thường", "chắc chắn sẽ", "cam kết", "{", "}", "None", "  ")

MATRIX = [(state, case, TIMINGS[state][n]) for state in State for n, case in enumerate(DUE)]


@pytest.mark.parametrize(("state", "case", "timing"), MATRIX, ids=[f"{state}-{case}" for state, case, _ in MATRIX])
def test_every_state_at_every_time(state: State, case: str, timing: Timing) -> None:
    due = DUE[case]
    told = explain(dossier(state, due_at=due), NOW, "5 ngày làm việc", CONTACT)
    assert told.timing is timing
    assert told.turn is TURNS[state]
    assert " ".join(step.state for step in told.steps) == STEPS[state]
    assert [step.name for step in told.steps] == ["Tiếp nhận", "Thẩm định", "Phê duyệt", "Trả kết quả"]
    _says_what_every_text_says(told)
    _says_the_due_date(told, due)
    assert ("văn bản xin lỗi" in told.text) is (timing is Timing.LATE)
    assert ("đã quá hẹn" in told.text) is (timing is Timing.LATE)


def _says_what_every_text_says(told: Explanation) -> None:
    assert told.text.startswith(f"Hồ sơ {told.code}\nĐăng ký thành lập hộ kinh doanh\n\nTình trạng: {told.title}")
    assert "Nguồn: Hệ thống một cửa tỉnh A, tra lúc 09:05 ngày 12/11/2026." in told.text
    assert "Hệ thống cập nhật hồ sơ lúc 16:00 ngày 11/11/2026." in told.text
    assert "Các bước: Tiếp nhận" in told.text
    assert len(told.text) <= ONE_SCREEN
    assert not [word for word in NEVER_SAID if word in told.text]
    assert {part.text for part in told.parts} == {told.part(part.name) for part in told.parts}
    assert all(part.text in told.text for part in told.parts)


def _says_the_due_date(told: Explanation, due: dt.datetime | None) -> None:
    said = told.part(Name.DUE)
    if told.timing is Timing.OVER:
        assert not said
    elif told.timing is Timing.HELD:
        assert ("Hẹn trả đang ghi trên hệ thống" in said) is bool(due)
    elif told.timing is Timing.NO_DATE:
        before_receipt = told.state is State.REGISTERED
        assert ("chưa được tiếp nhận" if before_receipt else "Hệ thống chưa ghi ngày hẹn trả.") in said
    else:
        assert DUE_WORDS[told.timing] in said
    assert told.days_left == {Timing.ON_TIME: 2, Timing.DUE_TODAY: 0}.get(told.timing)
    assert told.days_late == (4 if told.timing is Timing.LATE else None)


# --- the typical cases, word for word ---


def test_on_time_word_for_word() -> None:
    told = explain(dossier(State.PROCESSING, due_at=on(16)), NOW, "10 ngày làm việc", CONTACT)
    assert (
        told.text
        == """\
Hồ sơ H57.17.26-261102-0002
Đăng ký thành lập hộ kinh doanh

Tình trạng: Đang xử lý
Cơ quan đang xem xét hồ sơ.
Các bước: Tiếp nhận (xong) → Thẩm định, Phê duyệt (đang làm) → Trả kết quả
Đến lượt: cơ quan giải quyết. Anh/chị chưa phải làm gì.

Hẹn trả theo hệ thống: thứ Hai 16/11/2026 lúc 17:00, còn 2 ngày làm việc.
Thời hạn thông thường của thủ tục: 10 ngày làm việc.

Nguồn: Hệ thống một cửa tỉnh A, tra lúc 09:05 ngày 12/11/2026. Hệ thống cập nhật hồ sơ lúc 16:00 ngày 11/11/2026.
Tự tra cứu: dichvucong.example.vn."""
    )


def test_late_word_for_word() -> None:
    told = explain(dossier(State.PROCESSING, due_at=on(6), channel="online"), NOW, None, CONTACT)
    assert (
        told.text
        == """\
Hồ sơ H57.17.26-261102-0002
Đăng ký thành lập hộ kinh doanh

Tình trạng: Đang xử lý
Cơ quan đang xem xét hồ sơ.
Các bước: Tiếp nhận (xong) → Thẩm định, Phê duyệt (đang làm) → Trả kết quả
Đến lượt: cơ quan giải quyết.

Hẹn trả theo hệ thống: thứ Sáu 06/11/2026 lúc 17:00, đã quá hẹn 4 ngày làm việc.
Khi trễ hẹn, cơ quan phải gửi văn bản xin lỗi qua email hoặc tin nhắn, nêu lý do và ngày hẹn mới. Tên văn bản: \
“Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết” (tên cũ: “Phiếu xin lỗi và hẹn lại ngày trả kết quả”).
Hệ thống chưa ghi văn bản này đã được gửi. Anh/chị có thể hỏi Trung tâm Phục vụ hành chính công phường B \
(hoặc tổng đài 1022), hoặc gửi phản ánh, kiến nghị.

Nguồn: Hệ thống một cửa tỉnh A, tra lúc 09:05 ngày 12/11/2026. Hệ thống cập nhật hồ sơ lúc 16:00 ngày 11/11/2026.
Tự tra cứu: dichvucong.example.vn."""
    )


def test_supplement_word_for_word() -> None:
    asked = Supplement(on(9, 10), "Bản sao giấy tờ chứng minh quyền sử dụng địa điểm kinh doanh")
    told = explain(dossier(State.SUPPLEMENT, due_at=on(16), supplements=(asked,)), NOW, "5 ngày làm việc", CONTACT)
    assert (
        told.text
        == """\
Hồ sơ H57.17.26-261102-0002
Đăng ký thành lập hộ kinh doanh

Tình trạng: Yêu cầu bổ sung giấy tờ
Cơ quan cần anh/chị bổ sung giấy tờ thì mới làm tiếp được.
Các bước: Tiếp nhận (xong) → Thẩm định (đang chờ anh/chị) → Phê duyệt, Trả kết quả
Đến lượt: anh/chị. Anh/chị bổ sung giấy tờ.

Cần bổ sung (yêu cầu ngày 09/11/2026): “Bản sao giấy tờ chứng minh quyền sử dụng địa điểm kinh doanh”.
Xem “Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ”: trên phiếu có lý do và số điện thoại của cán bộ hướng dẫn. \
Cần hỏi thêm: Trung tâm Phục vụ hành chính công phường B (hoặc tổng đài 1022).
Trong lúc chờ bổ sung, thời gian giải quyết tạm dừng, nên ngày hẹn có thể lùi lại.
Giấy tờ cần bổ sung phải được hướng dẫn đầy đủ trong một lần. Nếu bị yêu cầu lần nữa, anh/chị có thể hỏi lý do và \
căn cứ.

Hẹn trả đang ghi trên hệ thống: thứ Hai 16/11/2026 lúc 17:00.

Nguồn: Hệ thống một cửa tỉnh A, tra lúc 09:05 ngày 12/11/2026. Hệ thống cập nhật hồ sơ lúc 16:00 ngày 11/11/2026.
Tự tra cứu: dichvucong.example.vn."""
    )


def test_finished_word_for_word() -> None:
    told = explain(dossier(State.FINISHED, due_at=on(11), finished_at=on(10)), NOW, "5 ngày làm việc", CONTACT)
    assert (
        told.text
        == """\
Hồ sơ H57.17.26-261102-0002
Đăng ký thành lập hộ kinh doanh

Tình trạng: Đã xử lý xong
Hệ thống ghi cơ quan đã xử lý xong ngày 10/11/2026, trước hẹn, chưa ghi đã trả kết quả.
Các bước: Tiếp nhận, Thẩm định, Phê duyệt (xong) → Trả kết quả (đang chờ anh/chị)
Đến lượt: anh/chị. Anh/chị hỏi lại rồi đi nhận kết quả.

Nơi nhận: Trung tâm Phục vụ hành chính công phường B, trong giờ làm việc.
Trước khi đi, anh/chị nên hỏi lại: trên Cổng Dịch vụ công quốc gia, có khi hồ sơ đang chờ bổ sung, chờ nộp tiền \
hoặc đã dừng cũng hiện là “Đã xử lý xong”.

Nguồn: Hệ thống một cửa tỉnh A, tra lúc 09:05 ngày 12/11/2026. Hệ thống cập nhật hồ sơ lúc 16:00 ngày 11/11/2026.
Tự tra cứu: dichvucong.example.vn."""
    )


# --- due dates ---


def test_an_estimate_is_called_one_and_names_its_rule() -> None:
    told = explain(dossier(State.RECEIVED, received_at=on(9, 9)), NOW, "Không quá 05 ngày làm việc", CONTACT)
    assert told.due and (told.due.at, told.due.origin) == (on(16, 9), Origin.ESTIMATE)
    assert told.timing is Timing.NO_DATE
    said = told.part(Name.DUE)
    assert "Tôi ước tính là thứ Hai 16/11/2026: tính không quá 05 ngày làm việc từ lúc tiếp nhận" in said
    assert "không kể thứ Bảy, Chủ nhật và ngày lễ." in said
    assert "Ngày trên giấy hẹn mới là ngày chính thức." in said


def test_an_estimate_that_passed_makes_nobody_late() -> None:
    told = explain(dossier(State.PROCESSING), NOW, "3 ngày làm việc", CONTACT)
    assert told.timing is Timing.NO_DATE
    assert told.days_late is None
    assert "nay đã qua" in told.text
    assert "quá hẹn" not in told.text
    assert "Đây không phải ngày hẹn chính thức" in told.text


@pytest.mark.parametrize(
    ("usual", "at"),
    [
        ("5 ngày làm việc", on(16, 9)),
        ("tối đa 10 ngày", on(19, 9)),
        ("8 giờ làm việc", on(10, 9)),
        ("Trong ngày", on(9, 17)),
        ("01 tháng", dt.datetime(2026, 12, 9, 9)),
        ("15 ngày làm việc (trực tuyến)", None),
        ("Ngay khi nhận đủ hồ sơ hợp lệ", None),
        ("999 tháng", None),
        ("", None),
    ],
)
def test_which_usual_times_are_counted(usual: str, at: dt.datetime | None) -> None:
    told = explain(dossier(State.RECEIVED, received_at=on(9, 9)), NOW, usual, CONTACT)
    assert (told.due.at if told.due else None) == at
    assert usual.lower() in told.text.lower()


def test_holidays_and_uncertain_years_are_said() -> None:
    late_year = dossier(State.RECEIVED, received_at=on(28, 9, month=12))
    told = explain(late_year, on(29, 9, month=12), "5 ngày làm việc", CONTACT)
    assert told.due and told.due.expected
    assert "ngày lễ (1/1)" in told.text
    assert "(dự kiến)" in told.text
    far = explain(dossier(State.PROCESSING, due_at=dt.datetime(2027, 2, 15)), NOW, None, CONTACT)
    assert re.search(r"thứ Hai 15/02/2027, còn \d+ ngày làm việc \(dự kiến\)\.", far.text)


@pytest.mark.parametrize(
    ("due", "differs"),
    [(on(9, 9), False), (on(9, 17), False), (on(10, 8), False), (on(10, 17), True), (on(6, 9), True), (on(30), True)],
)
def test_a_difference_of_a_working_day_is_said_neutrally(due: dt.datetime, differs: bool) -> None:
    told = explain(dossier(State.PROCESSING, due_at=due), on(3), "5 ngày làm việc", CONTACT)
    assert told.due and (told.due.at, told.due.origin) == (due, Origin.SYSTEM)
    said = "thì ra thứ Hai 09/11/2026. Hai ngày khác nhau có thể vì"
    assert (said in told.text) is differs
    assert ("ngày hẹn của hệ thống là ngày được dùng" in told.text) is differs


def test_a_date_without_time_is_the_end_of_that_day() -> None:
    told = explain(dossier(State.PROCESSING, due_at=on(9, 0)), on(3), "5 ngày làm việc", CONTACT)
    assert "Hẹn trả theo hệ thống: thứ Hai 09/11/2026, còn" in told.text
    assert "Hai ngày khác nhau" not in told.text


def test_awaited_papers_shift_the_estimate() -> None:
    stop = Supplement(on(4, 9), "giấy A", on(6, 9))
    told = explain(dossier(State.PROCESSING, supplements=(stop,)), NOW, "8 ngày làm việc", CONTACT)
    assert told.due and told.due.at == on(16, 9)
    unknown = replace(stop, asked_at=None)
    assert explain(dossier(State.PROCESSING, supplements=(unknown,)), NOW, "8 ngày làm việc").due is None


def test_a_due_date_before_receipt_is_a_slip_and_nobody_is_late() -> None:
    told = explain(dossier(State.PROCESSING, due_at=dt.datetime(2026, 10, 5, 17)), NOW, None, CONTACT)
    assert told.timing is Timing.UNCLEAR
    assert "(05/10/2026) lại trước ngày tiếp nhận (02/11/2026), có thể ghi nhầm" in told.text
    assert "quá hẹn" not in told.text


def test_dates_decades_away_are_taken_for_missing() -> None:
    for year in (1, 1970, 2099, 9999):
        told = explain(dossier(State.PROCESSING, due_at=dt.datetime(year, 1, 1)), NOW, None, CONTACT)
        assert told.timing is Timing.NO_DATE


def test_on_a_day_off_after_the_due_date() -> None:
    told = explain(dossier(State.PROCESSING, due_at=on(6)), on(7, 9), None, CONTACT)
    assert (told.timing, told.days_late) == (Timing.LATE, 0)
    assert "đã qua; từ hôm đó đến nay là ngày nghỉ." in told.text


# --- lateness ---


def test_the_letter_of_apology_and_its_new_date() -> None:
    case = dossier(State.PROCESSING, due_at=on(6), apology_sent=True, new_due_at=on(17))
    told = explain(case, NOW, None, CONTACT)
    assert told.due and told.due.origin is Origin.APOLOGY
    assert (told.timing, told.days_late, told.days_left) == (Timing.LATE, 4, 3)
    duty = told.part(Name.DUTY)
    assert "Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết" in duty
    assert "Phiếu xin lỗi và hẹn lại ngày trả kết quả" in duty
    assert "Ngày hẹn mới: thứ Ba 17/11/2026 lúc 17:00, còn 3 ngày làm việc." in duty
    assert "chưa ghi" not in duty


@pytest.mark.parametrize(
    ("sent", "new_due", "said"),
    [
        (True, None, "Hệ thống chưa ghi ngày hẹn mới"),
        (False, None, "Hệ thống chưa ghi văn bản này đã được gửi."),
        (True, on(12), "Ngày hẹn mới: hôm nay, thứ Năm 12/11/2026 lúc 17:00."),
        (True, on(10), "Ngày hẹn mới: thứ Ba 10/11/2026 lúc 17:00, cũng đã quá 2 ngày làm việc."),
        (False, on(17), "Ngày hẹn mới: thứ Ba 17/11/2026"),
        (True, on(5), "Hệ thống chưa ghi ngày hẹn mới"),  # before the first date: no new date at all
    ],
)
def test_what_the_office_owes(sent: bool, new_due: dt.datetime | None, said: str) -> None:
    case = dossier(State.PROCESSING, due_at=on(6), apology_sent=sent, new_due_at=new_due)
    told = explain(case, NOW, None, CONTACT)
    assert said in told.part(Name.DUTY)
    assert ("cơ quan phải gửi" in told.text) is not sent
    assert len(told.text) <= ONE_SCREEN


@pytest.mark.parametrize(
    ("channel", "said"), [("in_person", " qua bộ phận một cửa,"), ("post", "xin lỗi,"), ("", "xin lỗi,")]
)
def test_how_the_letter_comes(channel: str, said: str) -> None:
    told = explain(dossier(State.PROCESSING, due_at=on(6), channel=channel), NOW, None, CONTACT)
    assert said in told.part(Name.DUTY)


# --- what the citizen must do ---


def test_a_second_request_is_told_with_care() -> None:
    asked = (Supplement(on(3, 9), "giấy A", on(4, 9)), Supplement(on(6, 9), "giấy B"))
    told = explain(dossier(State.SUPPLEMENT, supplements=asked), NOW, None, CONTACT)
    assert "“giấy B”" in told.text
    assert "giấy A" not in told.text
    assert "lần yêu cầu bổ sung thứ 2" in told.text
    assert "luật riêng cho phép hỏi thêm" in told.text
    assert "trái" not in told.text
    assert len(told.text) <= ONE_SCREEN


def test_papers_that_came_in_make_it_the_offices_turn() -> None:
    told = explain(dossier(State.SUPPLEMENT, supplements=(Supplement(on(3), "giấy A", on(5)),)), NOW, None, CONTACT)
    assert told.turn is Turn.OFFICE
    assert told.steps[1].state is StepState.CURRENT
    assert "đã bổ sung ngày 05/11/2026" in told.text
    assert "Cần bổ sung" not in told.text


def test_a_supplement_asked_before_receipt() -> None:
    told = explain(dossier(State.SUPPLEMENT, received_at=None), NOW, None, CONTACT)
    assert [step.state for step in told.steps][:2] == [StepState.HELD, StepState.WAITING]
    assert "Hệ thống chưa ghi cần bổ sung giấy tờ gì." in told.text


@pytest.mark.parametrize(
    ("payment", "said"),
    [
        (Payment(1250000, "Lệ phí trước bạ"), "Số tiền: 1.250.000 đồng.\nNội dung: “Lệ phí trước bạ”."),
        (Payment(), "Hệ thống chưa ghi số tiền."),
        (Payment(0), "Hệ thống chưa ghi số tiền."),
        (None, "Hệ thống chưa ghi số tiền."),
    ],
)
def test_payment(payment: Payment | None, said: str) -> None:
    told = explain(dossier(State.PAYMENT, payment=payment), NOW, None, CONTACT)
    assert said in told.part(Name.PAYMENT)
    assert "Nộp theo thông báo nộp tiền của cơ quan." in told.text


@pytest.mark.parametrize(
    ("finished", "said"),
    [
        (on(10), "xong ngày 10/11/2026, trước hẹn, chưa ghi đã trả kết quả."),
        (on(11, 8), "xong ngày 11/11/2026, đúng ngày hẹn, chưa ghi"),
        (on(12, 8), "xong ngày 12/11/2026, sau ngày hẹn 1 ngày làm việc, chưa ghi"),
        (None, "đã xử lý xong, chưa ghi đã trả kết quả."),
    ],
)
def test_finished_is_not_handed_over(finished: dt.datetime | None, said: str) -> None:
    told = explain(dossier(State.FINISHED, due_at=on(11), finished_at=finished), NOW, None, CONTACT)
    assert said in told.text
    assert "được trả" not in told.text
    assert told.may_rate


def test_finished_with_something_open_is_doubted() -> None:
    asked = dossier(State.FINISHED, supplements=(Supplement(on(3), "giấy A"),), payment=Payment(50_000))
    told = explain(asked, NOW, None, CONTACT)
    assert "cũng ghi một yêu cầu bổ sung chưa xong: “giấy A”" in told.text
    assert "cũng ghi một khoản phải nộp 50.000 đồng" in told.text


def test_where_and_when_to_collect() -> None:
    told = explain(dossier(State.FINISHED), NOW, None, replace(CONTACT, hours="thứ Hai đến thứ Sáu, 7:30–11:30"))
    assert "Nơi nhận: Trung tâm Phục vụ hành chính công phường B, thứ Hai đến thứ Sáu, 7:30–11:30." in told.text
    unnamed = explain(dossier(State.FINISHED, place=""), NOW, None, CONTACT)
    assert "Nơi nhận: nơi ghi trên giấy hẹn, trong giờ làm việc." in unnamed.text


@pytest.mark.parametrize("state", [State.NOT_ACCEPTED, State.STOPPED])
def test_refused_and_stopped_give_the_reason_or_say_that_there_is_none(state: State) -> None:
    told = explain(dossier(state, reason="Thiếu  <b>chữ ký</b>"), NOW, None, CONTACT)
    assert "Lý do hệ thống ghi: “Thiếu chữ ký”." in told.text
    assert told.part(Name.ADVICE)
    silent = explain(dossier(state), NOW, None, CONTACT)
    assert "Hệ thống chưa ghi lý do." in silent.text
    assert "Phiếu từ chối" in silent.text or "Thông báo dừng" in silent.text


def test_withdrawn_gives_a_reason_only_when_there_is_one() -> None:
    assert "lý do" not in explain(dossier(State.WITHDRAWN), NOW).text.lower()
    assert "“đổi ý”" in explain(dossier(State.WITHDRAWN, reason="đổi ý"), NOW).text


# --- words of systems ---


def test_an_unknown_state_is_shown_and_not_guessed() -> None:
    told = explain(dossier(State.UNKNOWN), NOW, None, CONTACT)
    assert told.title == "Chưa rõ trạng thái"
    assert "Hệ thống ghi “Nhận trực tiếp”." in told.text
    assert "tổng đài 1022" in told.text
    assert "“(để trống)”" in explain(dossier(State.UNKNOWN, label=" "), NOW).text


def test_the_systems_own_label_stands_beside_ours_where_it_differs() -> None:
    told = explain(dossier(State.PROCESSING, label="Chờ lãnh đạo ký"), NOW)
    assert "Tình trạng: Đang xử lý (hệ thống ghi “Chờ lãnh đạo ký”)" in told.text
    assert "hệ thống ghi" not in explain(dossier(State.PROCESSING, label="đang xử lý"), NOW).part(Name.STATE)


@pytest.mark.parametrize(
    ("office", "place", "agency", "hotline", "said"),
    [
        ("Sở X", "Nơi nộp", "Cơ quan", "1022", "hỏi Sở X (hoặc tổng đài 1022)"),
        ("", "Nơi nộp", "Cơ quan", "", "hỏi Nơi nộp để"),
        ("", "", "Cơ quan", "", "hỏi Cơ quan để"),
        ("", "", "", "1022", "hỏi tổng đài 1022"),
        ("", "", "", "", "hỏi nơi anh/chị đã nộp hồ sơ"),
    ],
)
def test_whom_to_ask(office: str, place: str, agency: str, hotline: str, said: str) -> None:
    case = dossier(State.UNKNOWN, place=place, agency=agency)
    assert said in explain(case, NOW, None, Contact(office=office, hotline=hotline)).text


def test_what_systems_write_is_cut_and_masked() -> None:
    long = "Bổ sung giấy xác nhận của ông 079203001234, điện thoại 0912345678, " + "rất dài " * 500
    for state in (State.SUPPLEMENT, State.STOPPED, State.UNKNOWN, State.PAYMENT):
        case = dossier(
            state,
            label=long,
            reason=long,
            procedure_name=long,
            supplements=(Supplement(on(3), long),),
            payment=Payment(1, long),
        )
        told = explain(case, NOW, None, CONTACT)
        assert "079203001234" not in told.text
        assert "0912345678" not in told.text
        assert len(told.text) < ONE_SCREEN + 800


def test_neither_code_nor_text_is_in_the_repr() -> None:
    told = explain(dossier(State.STOPPED, reason="bí mật"), NOW)
    assert told.code not in repr(told)
    assert "bí mật" not in repr(told)


def test_every_state_has_words() -> None:
    assert set(words()["states"]) == {str(state) for state in State}
    for state in words()["states"].values():
        assert len(state["steps"]) == len(state.get("steps_before_receipt", state["steps"])) == 4
        assert state["turn"] in words()["turns"]


moments = st.one_of(st.none(), st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 1, 1)), st.datetimes())
supplements = st.lists(st.builds(Supplement, moments, st.text(max_size=30), moments, moments, moments), max_size=3)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data())
def test_whatever_a_system_says_there_is_an_explanation(data: st.DataObject) -> None:
    case = data.draw(
        st.builds(
            Dossier,
            code=st.just("H57-261102-0002"),
            state=st.sampled_from(list(State)),
            label=st.text(max_size=30),
            source=st.text(max_size=30),
            fetched_at=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 1, 1)),
            procedure_name=st.text(max_size=30),
            channel=st.sampled_from(["in_person", "online", "post", "", "x"]),
            received_at=moments,
            due_at=moments,
            finished_at=moments,
            returned_at=moments,
            updated_at=moments,
            reason=st.text(max_size=30),
            supplements=supplements.map(tuple),
            payment=st.one_of(st.none(), st.builds(Payment, st.one_of(st.none(), st.integers()), st.text(max_size=30))),
            apology_sent=st.booleans(),
            new_due_at=moments,
        )
    )
    now = data.draw(st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 1, 1)))
    usual = data.draw(st.sampled_from([None, "5 ngày làm việc", "30 ngày", "trong ngày", "4 giờ", "xyz"]))
    told = explain(case, now, usual)
    assert "Nguồn:" in told.text
    assert (told.days_late is not None) is (told.timing is Timing.LATE)
    assert told.days_left is None or told.days_left >= 0
    assert told.days_late is None or told.days_late >= 0
