"""Tables of the office's work: form 06a, the 766 index, the nine indices, and questions without an answer."""

from __future__ import annotations

from actions.feedback.reports.document import Chart, Column, Kind, Section, Table, Value, table
from actions.feedback.reports.form_06a import IN_PERSON, ONLINE, POST, Form, Line
from actions.feedback.reports.index_766 import Handling, Petitions766
from actions.feedback.reports.nine_indices import FROM_OFFICE, MOST, NineIndices
from actions.feedback.reports.on_time import OnTime
from actions.feedback.reports.questions import NO_PROCEDURE, Turns

_CHANNELS = {ONLINE: "Trực tuyến", IN_PERSON: "Trực tiếp", POST: "Bưu chính công ích"}
_NO_FIELD = "(chưa rõ lĩnh vực)"
_IDENTITY = "Kiểm tra khớp: tổng tiếp nhận = trong kỳ + kỳ trước = đã giải quyết + đang giải quyết"
_PORTAL = "Số chính thức do Cổng Dịch vụ công quốc gia công bố; đây là ước tính của cơ quan từ dữ liệu của mình."
_NO_DOSSIERS = "Sổ hồ sơ không có hồ sơ nào trong kỳ."
_STATUSES = {
    "answered": "Đã trả lời",
    "clarification": "Hỏi lại cho rõ",
    "no_such_procedure": "Không tìm thấy thủ tục",
    "not_published": "Chưa công bố nội dung được hỏi",
    "out_of_scope": "Ngoài phạm vi",
    "dossier_found": "Tra được hồ sơ",
    "dossier_not_found_or_mismatch": "Không có hồ sơ hoặc không khớp",
    "dossier_not_this_system": "Hồ sơ ở hệ thống khác",
    "dossier_unavailable": "Hệ thống hồ sơ không trả lời",
    "feedback_recorded": "Ghi nhận ý kiến",
    "handoff": "Chuyển cán bộ",
    "small_talk": "Chào hỏi",
    "refused_personal_data": "Nhắc không gửi thông tin cá nhân",
    "emergency": "Trường hợp khẩn cấp",
    "error": "Lỗi",
}


def _counts(*titles: str, group: str = "") -> list[Column]:
    return [Column(title=title, kind=Kind.COUNT, group=group) for title in titles]


# -- dossiers -----------------------------------------------------------------------------------


def dossier_section(form: Form) -> Section:
    """Form 06a by field and by channel, its rates, and what is wrong with the data."""
    if not form.total.received and not form.total.solved and not form.faults:
        return Section(id="dossiers", title="Tình hình giải quyết hồ sơ", notes=[_NO_DOSSIERS])
    tables = [_form_table(form), _channel_table(form), _rates_table(form)]
    return Section(id="dossiers", title="Tình hình giải quyết hồ sơ", tables=tables, notes=_checks(form))


def _checks(form: Form) -> list[str]:
    gap = form.total.gap
    notes = [f"{_IDENTITY}: {'đạt' if gap == 0 else f'LỖI, lệch {gap} hồ sơ; xem các lỗi dữ liệu dưới đây'}."]
    notes += [f"Lỗi dữ liệu: {fault}: {count} hồ sơ." for fault, count in sorted(form.faults.items())]
    if form.stopped_without_end:
        notes.append(
            f"{form.stopped_without_end} hồ sơ dừng xử lý chưa có ngày kết thúc được tính là đang giải quyết, trong hạn."
        )
    return notes


def _form_table(form: Form) -> Table:
    columns = [
        Column(title="STT", kind=Kind.COUNT),
        Column(title="Lĩnh vực"),
        *_counts("Tổng", "Trong kỳ: trực tuyến", "Trong kỳ: trực tiếp, bưu chính", "Từ kỳ trước", group="Tiếp nhận"),
        *_ENDED,
    ]
    named = sorted(form.by_field.items(), key=lambda pair: (pair[0] == "", pair[0]))
    rows: list[list[Value]] = [
        [number, name or _NO_FIELD, line.received, line.online, line.offline, line.carried, *_ended(line)]
        for number, (name, line) in enumerate(named, start=1)
    ]
    all_ = form.total
    rows.append([None, "Tổng cộng", all_.received, all_.online, all_.offline, all_.carried, *_ended(all_)])
    return table("form-06a", "Biểu 06a: Tình hình, kết quả giải quyết thủ tục hành chính", columns, rows, total=True)


_ENDED = [
    *_counts("Tổng", "Trước hạn", "Đúng hạn", "Quá hạn", group="Đã giải quyết"),
    *_counts("Tổng", "Trong hạn", "Quá hạn", group="Đang giải quyết"),
]


def _ended(line: Line) -> list[Value]:
    return [line.solved, line.early, line.on_time, line.late, line.pending, line.pending_in_time, line.pending_late]


def _channel_table(form: Form) -> Table:
    columns = [Column(title="Kênh"), *_counts("Tổng", "Trong kỳ", "Từ kỳ trước", group="Tiếp nhận"), *_ENDED]
    rows: list[list[Value]] = [
        [_CHANNELS.get(channel, channel), line.received, line.new, line.carried, *_ended(line)]
        for channel, line in form.by_channel.items()
    ]
    rows.append(["Tổng cộng", form.total.received, form.total.new, form.total.carried, *_ended(form.total)])
    chart = Chart(kind="stacked", label=0, values=[5, 6, 7])
    return table("form-06a-channel", "Theo kênh tiếp nhận", columns, rows, total=True, chart=chart)


def _rates_table(form: Form) -> Table:
    columns = [
        Column(title="Lĩnh vực"),
        *(Column(title=title, kind=Kind.RATE) for title in ("Đúng hạn", "Quá hạn", "Hoàn thành", "Trực tuyến")),
    ]
    named = sorted(form.by_field.items(), key=lambda pair: (pair[0] == "", pair[0]))
    rows: list[list[Value]] = [[name or _NO_FIELD, *_rates(line)] for name, line in named]
    rows.append(["Tổng cộng", *_rates(form.total)])
    notes = ["Ô trống: không có hồ sơ để chia (N/A). Trực tuyến chỉ tính trên hồ sơ tiếp nhận trong kỳ."]
    chart = Chart(kind="bar", label=0, values=[1])
    return table(
        "dossier-rates", "Tỷ lệ đúng hạn, hoàn thành, trực tuyến", columns, rows, total=True, chart=chart, notes=notes
    )


def _rates(line: Line) -> list[Value]:
    return [line.on_time_rate, line.late_rate, line.completion, line.online_rate]


# -- indices ------------------------------------------------------------------------------------


def index_766_section(on_time: OnTime, petitions: Petitions766, handling: Handling | None) -> Section:
    """2.1 and group 5, as far as they can be reckoned here."""
    columns = [
        Column(title="Mã"),
        Column(title="Chỉ số"),
        Column(title="Mẫu số", kind=Kind.COUNT),
        Column(title="Tỷ lệ", kind=Kind.RATE_2),
        Column(title="Điểm tối đa", kind=Kind.NUMBER),
        Column(title="Điểm", kind=Kind.NUMBER),
        Column(title="Ghi chú"),
    ]
    unknown = f"{on_time.unknown} hồ sơ không có ngày hẹn trả nên không xếp được." if on_time.unknown else ""
    rows: list[list[Value]] = [
        ["2.1", "Hồ sơ đúng hạn (đã xong và đang làm)", on_time.told, on_time.rate, None, None, unknown],
        ["5.2", "Phản ánh, kiến nghị xử lý đúng hạn", petitions.n, petitions.in_time_rate, 5.0, None, "Chưa rõ cách quy ra điểm."],
        ["5.3", "Hài lòng về xử lý phản ánh, kiến nghị", petitions.n, petitions.satisfied_rate, 2.0, None,
         "Chưa rõ cách quy ra điểm; không biết phản ánh lặp lại."],
        _handling_row(handling),
    ]  # fmt: skip
    for row in rows:
        if row[3] is None:
            row[6] = f"N/A: không có số để chia. {row[6]}".strip() if row[0] != "5.4" else row[6]
    return Section(
        id="index-766",
        title="Bộ chỉ số 766: các phần ước tính được",
        tables=[table("index-766", "Chỉ số thành phần", columns, rows)],
        notes=[_PORTAL],
    )


def _handling_row(handling: Handling | None) -> list[Value]:
    title = "Hài lòng về tiếp nhận, giải quyết thủ tục"
    if handling is None:
        return [
            "5.4",
            title,
            None,
            None,
            6.0,
            None,
            "N/A: chưa có hồ sơ, hoặc chưa đủ ý kiến về việc giải quyết hồ sơ.",
        ]
    late, complained = _percent(handling.late_share), _percent(handling.complained_share)
    note = f"100% − ({late} trễ hạn + {complained} có phản ánh hoặc không hài lòng)."
    return ["5.4", title, handling.dossiers, handling.rate, 6.0, handling.points, note]


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%".replace(".", ",")


def nine_section(nine: NineIndices) -> Section:
    """The nine indices, their sum and class, or the range that can be reached."""
    columns = [
        Column(title="Số", kind=Kind.COUNT),
        Column(title="Chỉ số"),
        Column(title="Điểm (0–2)", kind=Kind.NUMBER),
        Column(title="Số hồ sơ hoặc ý kiến", kind=Kind.COUNT),
        Column(title="Nguồn"),
        Column(title="Ghi chú"),
    ]
    rows: list[list[Value]] = [[i.number, i.title, i.points, i.n, i.source, i.why] for i in nine.indices]
    rows.append([None, "Tổng (tối đa 18)", nine.low if nine.complete else None, None, "", ""])
    chart = Chart(kind="bar", label=1, values=[2])
    made = table("nine-indices", "Chín chỉ số", columns, rows, total=True, chart=chart)
    return Section(id="nine-indices", title="Chín chỉ số (Thông tư 01/2018 cũ)", tables=[made], notes=_verdict(nine))


def _verdict(nine: NineIndices) -> list[str]:
    worst, best = nine.classes
    if nine.complete:
        return [f"Xếp loại: {worst} ({_number(nine.low)} điểm trên 18)."]
    missing = [str(i.number) for i in nine.indices if i.points is None]
    classes = worst if worst == best else f"{worst} đến {best}"
    notes = [
        f"Chưa xếp loại vì thiếu chỉ số {', '.join(missing)} (mỗi chỉ số 0–{MOST:.0f} điểm). "
        f"Có thể đạt từ {_number(nine.low)} đến {_number(nine.high)} điểm: {classes}."
    ]
    if any(str(number) in missing for number in FROM_OFFICE):
        notes.append("Chỉ số 5, 8, 9 do cơ quan nhập theo quý vào tệp agency-figures.yml.")
    return notes


def _number(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


# -- questions ----------------------------------------------------------------------------------


def questions_section(turns: Turns, name_of: dict[str, str]) -> Section:
    """Turns by status, and the questions without an answer."""
    if not turns.total:
        return Section(id="questions", title="Câu hỏi của người dân", notes=["Trong kỳ chưa có lượt hỏi nào."])
    by_status: list[list[Value]] = [
        [_STATUSES.get(status, status), count, count / turns.total] for status, count in turns.by_status.most_common()
    ]
    status_columns = [Column(title="Kết quả"), *_counts("Số lượt"), Column(title="Tỷ lệ", kind=Kind.RATE)]
    columns = [
        Column(title="Câu hỏi"),
        *_counts("Số lượt"),
        Column(title="Vì sao"),
        Column(title="Mã thủ tục"),
        Column(title="Thủ tục"),
    ]
    asked: list[list[Value]] = [
        [
            question.text,
            question.count,
            _STATUSES[NO_PROCEDURE if question.status == NO_PROCEDURE else "not_published"],
            question.procedure_code,
            name_of.get(question.procedure_code or "", ""),
        ]
        for question in turns.questions
    ]
    chart = Chart(kind="bar", label=0, values=[1])
    return Section(
        id="questions",
        title="Câu hỏi của người dân",
        tables=[
            table("turns", "Lượt hỏi theo kết quả", status_columns, by_status, chart=chart),
            table("unanswered", "Câu hỏi chưa trả lời được", columns, asked,
                  notes=["Số giấy tờ, số điện thoại, tên và địa chỉ đã được che."]),
        ],
    )  # fmt: skip
