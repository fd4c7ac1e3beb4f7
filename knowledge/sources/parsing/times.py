"""Time limits (thời hạn giải quyết): the portal's cells and the remarks beside them.

A cell holds a number and a unit. The remark of a channel may repeat it, say it for
single cases ("15 ngày làm việc đối với ..."), describe the office's inner steps, or
say where to file. Only what is certain becomes a time limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from knowledge.procedure import TimeStatus, TimeUnit

from .text import NO_MARK, capitalise, clauses, clean, clean_line, closing_bracket, mark_rank, strip_bullets, unwrap

UNIT_WORDS: dict[str, TimeUnit] = {
    "ngày làm việc": TimeUnit.WORKING_DAY,
    "ngày ngày làm việc": TimeUnit.WORKING_DAY,
    "ngày": TimeUnit.DAY,
    "giờ làm việc": TimeUnit.WORKING_HOUR,
    "giờ": TimeUnit.HOUR,
    "tiếng": TimeUnit.HOUR,
    "phút": TimeUnit.MINUTE,
    "tháng": TimeUnit.MONTH,
    "năm": TimeUnit.YEAR,
}
API_UNITS: dict[str, str] = {
    "WORKING_DAY": "Ngày làm việc",
    "WORKDAY": "Ngày làm việc",
    "DAY": "Ngày",
    "WORKING_HOUR": "Giờ làm việc",
    "HOUR": "Giờ",
    "MINUTE": "Phút",
    "MONTH": "Tháng",
    "YEAR": "Năm",
    "OTHER": "",
}
NOTHING = {
    "",
    "n/a",
    "không",
    "không có",
    "không quy định",
    "chưa quy định",
    "không có thông tin",
    "không xác định",
    "0",
    "-",
    "--",
    "null",
    "none",
}
REFERS_TO_NOTE = {"theo mô tả", "khác", "theo quy định", "xem mô tả"}

_NUMBER = r"(?P<number>\d{1,3}(?:[.,]\d{1,2})?)"
_IN_WORDS = r"(?:\s*\((?!\d)[^()]{2,40}\))?"
_UNIT = (
    r"(?P<unit>(?:ngày\s+)?ngày\s*làm\s*việc|giờ\s*làm\s*việc|ngày|giờ(?!\s*(?:hành chính|cùng ngày|"
    r"sáng|chiều))|tiếng|phút|tháng(?!\s*\d)|năm(?!\s*\d))"
)
_NUMBER_PLAIN = r"\d{1,3}(?:[.,]\d{1,2})?(?:\s*\((?!\d)[^()]{2,40}\))?"
_UNIT_PLAIN = _UNIT.replace("?P<unit>", "?:")
DURATION = re.compile(
    rf"(?<![\d/.,])(?<!ngày )(?<!tháng )(?<!khoản )(?<!điều ){_NUMBER}{_IN_WORDS}\s*{_UNIT}(?!\s*(?:tuổi" rf"|/|\d))",
    re.IGNORECASE,
)
_SAME_DAY = re.compile(r"\btrong (?:ngày(?: làm việc)?(?!\s*\d)|buổi làm việc)|\bngay trong ngày\b", re.IGNORECASE)
_IMMEDIATE = re.compile(
    r"\bngay (?:sau )?khi (?:nhận|tiếp nhận|kiểm tra|Biên phòng|người|có|hoàn)|^giải quyết ngay|"
    r"^ngay sau khi|^thực hiện ngay",
    re.IGNORECASE,
)

_LEAD = (
    r"(?:[-–+*•.:\s]*(?:(?:tổng )?thời (?:hạn|gian) (?:giải quyết|thực hiện|trả kết quả|"
    r"xử lý)(?: (?:thủ tục(?: hành chính)?|hồ sơ|TTHC))?(?: là)?|giải quyết|"
    r"thực hiện)?\s*[:;,]?\s*(?:trong (?:thời hạn|vòng|thời gian)|không quá|tối đa(?: là)?|"
    r"chậm nhất(?: là| sau)?|là|trong|trước)?\s*(?:không quá|tối đa|là)?\s*)"
)
_SINCE = (
    r"(?:[,.]?\s*\(?(?:kể từ|tính từ|từ|sau)\s+(?:khi|ngày|thời điểm|lúc)[^;:]*|\s*\(không (?:tính|kể|"
    r"bao gồm)[^()]*\))?"
)
_SINCE_SHORT = (
    r"(?:[,.]?\s*\(?(?:kể từ|tính từ|từ|sau)\s+(?:khi|ngày|thời điểm|lúc)\s+(?:nhận|tiếp nhận|có|"
    r"nộp)?\s*(?:được\s+)?(?:đầy\s+)?(?:đủ\s+)?(?:hồ sơ|đơn|đề nghị|văn bản)?(?:\s+(?:đầy đủ|hợp lệ|và|"
    r"đúng|theo quy định|của\s+\w+|,))*\)?)?"
)
_CASE_WORD = r"(?:đối với|trong (?:các )?trường hợp|với trường hợp|(?:các )?trường hợp|nếu)"
_GENERAL = re.compile(rf"^{_LEAD}{DURATION.pattern}{_SINCE}[\s.,)]*$", re.IGNORECASE)
_TIME_THEN_CASE = re.compile(
    rf"^{_LEAD}{DURATION.pattern}{_SINCE_SHORT}[,:]?\s*(?:\(?(?P<case>{_CASE_WORD}\s[^;]+))$", re.IGNORECASE
)
_CASE_THEN_TIME = re.compile(
    rf"^[-–+*•\s]*(?P<case>(?:{_CASE_WORD}|hồ sơ|cấp|tại các xã|tại khu vực)\s.+?)(?:\s*[:,–-]\s*|"
    rf"\s+)(?:thì\s+)?(?:thời (?:gian|hạn)\s+(?:thực hiện|giải quyết|xử lý|trả kết quả|là)\s*(?:là|"
    rf"thủ tục)?\s*[:]?\s*)?(?:được\s+)?"
    rf"(?:(?:thực hiện |giải quyết |là |được )?(?:không quá|trong (?:thời hạn|vòng)|trong thời gian|"
    rf"trong|sau|tối đa(?: là)?|chậm nhất(?: là)?|là|thời hạn(?: giải quyết)?(?: là)?)\s*(?:không "
    rf"quá\s*)?|(?<=[:,–-]\s))\s*{DURATION.pattern}{_SINCE}[\s.,)]*$",
    re.IGNORECASE,
)
_INCREASE = re.compile(r"(?:được\s+)?(?:tăng|kéo dài|cộng|gia hạn)\s+thêm", re.IGNORECASE)
_HAS_CASE = re.compile(rf"\b{_CASE_WORD}\b|vùng sâu|miền núi", re.IGNORECASE)
_INNER_STEP = re.compile(
    r"\b(?:bước \d|chuyển (?:hồ sơ|đến|cho|về|kết quả)|gửi (?:hồ sơ|văn bản|kết quả|lấy|xin|cho|đến|về|"
    r"ý kiến)|trình\b|thẩm định|xem xét|kiểm tra|rà soát|xác minh|niêm yết|lấy ý kiến|phối hợp|"
    r"thông báo|"
    r"có văn bản|trả lời|yêu cầu (?:bổ sung|người|tổ chức)|bổ sung hồ sơ|hoàn thiện hồ sơ|"
    r"hồ sơ (?:chưa|không) (?:đầy đủ|đủ|hợp lệ|đúng)|không (?:bảo|đảm|hợp|đủ)|từ chối|ban hành|báo cáo|"
    r"thành lập|tổ chức họp|họp|tiếp nhận hồ sơ|quyết định|cấp có thẩm quyền|chi trả|công bố|đăng tải|"
    r"cập nhật|phê duyệt|ký (?:cấp|duyệt|ban hành)|không (?:tính|kể|bao gồm)|hiệu lực|"
    r"phải (?:nộp|gửi|khai|thông báo|hoàn|có|nêu)|nêu rõ lý do|UBND|Ủy ban nhân dân|Sở\s|Bộ\s|Cục\s|"
    r"cơ quan\s|Hội đồng|trong đó|tại (?:Sở|Bộ|UBND|Ủy|cấp|cơ quan)|nộp hồ sơ trước|trước khi|"
    r"thời hạn (?:nộp|thẩm|kiểm|xem|lấy|thông|tiếp|gửi|công)|thời gian (?:thẩm|kiểm|xem|lấy|tiếp|giám|"
    r"xác|thông|công|niêm|nộp|đánh|ký))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ParsedTime:
    """A time limit before it knows its channel; ``quantity`` counts ``unit``s."""

    status: TimeStatus
    quantity: float | None = None
    unit: TimeUnit | None = None
    case: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TimesRead:
    """What a channel's cell and remark say.

    ``leftover`` is text meant to be read that could not be; ``steps`` counts clauses
    with a time that belong to the office's inner steps.
    """

    times: tuple[ParsedTime, ...]
    leftover: str | None = None
    steps: int = 0


def parse_cell(time: str, unit: str) -> ParsedTime | None:
    """Read a cell such as ("3", "Ngày làm việc"), ("07 Ngày làm việc", "") or ("trong ngày", "").

    Returns None where the cell sends the reader to the remark or cannot be read.
    """
    time, unit = clean_line(time), clean_line(unit)
    if re.fullmatch(r"\d{1,4}(?:[.,]\d{1,3})?", time):
        return _parse_number(time, unit)
    if time.lower() in NOTHING:
        nothing = unit.lower() in NOTHING
        return ParsedTime(TimeStatus.NOT_PUBLISHED, text=time or unit or None) if nothing else _parse_words(unit)
    return None if time.lower() in REFERS_TO_NOTE else _parse_words(f"{time} {unit}".strip())


def _parse_number(time: str, unit: str) -> ParsedTime:
    quantity = float(time.replace(",", "."))
    known = UNIT_WORDS.get(re.sub(r"\s+", " ", unit.lower()))
    if quantity == 0:
        return ParsedTime(TimeStatus.NOT_PUBLISHED, text=f"{time} {unit}".strip())
    if known:
        return ParsedTime(TimeStatus.STATED, quantity, known)
    if unit.lower() in NOTHING:
        return ParsedTime(TimeStatus.UNIT_NOT_STATED, quantity, None, text=time)
    return ParsedTime(TimeStatus.IN_TEXT, text=f"{time} {unit}")


def _parse_words(text: str) -> ParsedTime | None:
    """Read words that state one time limit and nothing else."""
    stated = _GENERAL.match(text)
    if stated:
        return _stated(stated)
    if not DURATION.search(text):
        if _SAME_DAY.search(text):
            return ParsedTime(TimeStatus.SAME_DAY, text=text)
        if _IMMEDIATE.search(text):
            return ParsedTime(TimeStatus.IMMEDIATE, text=text)
        if re.search(r"^không (?:phải|có|quy định|xác định|giới hạn)", text, re.IGNORECASE):
            return ParsedTime(TimeStatus.NOT_PUBLISHED, text=text)
        if text and len(text) < 300 and not _HAS_CASE.search(text):
            return ParsedTime(TimeStatus.IN_TEXT, text=text)
    return None


def _stated(match: re.Match[str], case: str | None = None) -> ParsedTime:
    quantity = float(match["number"].replace(",", "."))
    unit = UNIT_WORDS[re.sub(r"\s+", " ", match["unit"].lower().replace("làmviệc", "làm việc"))]
    if quantity == 0:
        return ParsedTime(TimeStatus.NOT_PUBLISHED, case=case, text=match[0].strip())
    return ParsedTime(TimeStatus.STATED, quantity, unit, case)


def parse_channel_time(time: str, unit: str, note: str) -> TimesRead:
    """Read one row of the ways to file: its cell, and what its remark adds for single cases."""
    cell = parse_cell(time, unit)
    refers = cell is None and clean_line(time).lower() in REFERS_TO_NOTE
    words = clean(time) if cell is None and not refers else ""
    remark = parse_remark(f"{words}\n{note}" if words else note)
    if cell is not None and cell.status not in (TimeStatus.UNIT_NOT_STATED, TimeStatus.NOT_PUBLISHED):
        return _merge(cell, _without_steps(cell, remark))
    general = [limit for limit in remark.times if limit.case is None]
    if remark.times and not (general and remark.steps) and len(general) <= 1:
        # The cell says nothing or has no unit, so the remark's certain reading is what is published.
        return TimesRead(remark.times, remark.leftover)
    if cell is not None:
        return TimesRead((cell,), remark.leftover)
    said = clean_line(words or note)
    return TimesRead((ParsedTime(TimeStatus.IN_TEXT, text=said or None),), remark.leftover or said or None)


def _without_steps(cell: ParsedTime, remark: TimesRead) -> TimesRead:
    """Drop labelled times that add up to the cell: they are its steps, not cases."""
    labelled = [time for time in remark.times if time.case and time.unit is cell.unit and time.quantity]
    if len(labelled) > 1 and sum(time.quantity or 0 for time in labelled) == cell.quantity:
        return TimesRead(
            tuple(time for time in remark.times if time not in labelled), remark.leftover, remark.steps + len(labelled)
        )
    return remark


def _merge(cell: ParsedTime, remark: TimesRead) -> TimesRead:
    """Join a readable cell with the cases of its remark."""
    cases = [time for time in remark.times if time.case]
    if not cases:
        return TimesRead((cell,), remark.leftover)
    general = [time for time in remark.times if not time.case]
    same = [time for time in cases if (time.quantity, time.unit) == (cell.quantity, cell.unit)]
    if len(cases) == 1 and same and not general:
        # A row of its own for one case: the remark names the case of the cell.
        return TimesRead((cases[0],), remark.leftover)
    if same and not general and not remark.leftover and len(cases) > 1:
        return TimesRead(tuple(cases))
    return TimesRead((cell, *cases), remark.leftover)


@lru_cache(maxsize=2048)  # the ways to file mostly repeat one remark
def parse_remark(note: str) -> TimesRead:
    """Read the time limits that a remark states outright.

    Clauses about the office's inner steps and about where to file are not time limits.
    A clause that names a case and a time and fits no known wording is a leftover.
    """
    times: list[ParsedTime] = []
    leftovers: list[str] = []
    labelled: list[ParsedTime] = []
    steps = 0
    headings: list[tuple[int, str | None]] = []  # (depth, case); None for a heading that is not understood
    for clause in _parts(_CLOCK.sub("", clean(note))):
        rank = mark_rank(clause)
        headings = [entry for entry in headings if entry[0] < rank]
        body = _LABEL.sub("", unwrap(clause).strip())
        if not DURATION.search(body):
            if body.endswith(":") and not _PLAIN_HEADING.match(body):
                headings.append((rank if rank < NO_MARK else -1, _heading_case(body)))
            elif not headings:
                times += _without_number(body)
            continue
        total = _TOTAL.match(strip_bullets(body))
        if total and not headings:
            return TimesRead((_stated(total),))
        if read := _under(headings, _parse_clause(body)):
            times += read
        elif not headings and (found := _labelled(body)):
            labelled.append(found)
        elif _HAS_CASE.search(body) and not _INNER_STEP.search(body) and not _NO_CASE.search(body):
            leftovers.append(clause)
        else:
            steps += 1
    if len(labelled) > 1 and not steps:
        times += labelled
    else:
        steps += len(labelled)
    return TimesRead(tuple(dict.fromkeys(times)), "\n".join(leftovers) or None, steps)


def _heading_case(body: str) -> str | None:
    return _case_name(body) if _HAS_CASE.search(body[:25]) and not _NO_CASE.search(body) else None


def _under(headings: list[tuple[int, str | None]], times: list[ParsedTime]) -> list[ParsedTime]:
    """Times with the cases of the headings above them.

    Under a heading that is not understood they could be steps, or hold only for a while, so there are none.
    """
    if any(case is None for _, case in headings):
        return []
    context = [case for _, case in headings if case]
    return [replace(time, case="; ".join([*context, *([time.case] if time.case else [])]) or None) for time in times]


_PLAIN_HEADING = re.compile(
    r"^\W*(?:\d[\d.]*\s*)?(?:thời (?:hạn|gian)(?: giải quyết| thực hiện|"
    r" trả kết quả)?(?: thủ tục(?: hành chính)?)?|cách thức(?: thực hiện)?|hình thức nộp|"
    r"cụ thể(?: như sau)?|như sau)\W*$",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    rf"^{_LEAD}{DURATION.pattern}{_SINCE_SHORT}\s*[,.(]*\s*(?:trong đó|cụ thể|bao gồm|" rf"gồm)(?: như sau)?\s*[:.)]*$",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b(?:sau|trước|lúc|đến|từ)\s+\d{1,2}\s*(?:giờ|h)\b(?!\s*(?:kể|làm))(?:\s*\d{2}(?:\s*phút)?)?", re.IGNORECASE
)
_LABEL = re.compile(
    r"^\W*(?:tổng )?thời (?:hạn|gian)(?: giải quyết| thực hiện|"
    r" trả kết quả)?(?: (?:thủ tục(?: hành chính)?|hồ sơ))?\s*:\s*(?=\S)",
    re.IGNORECASE,
)
_NO_CASE = re.compile(
    r"hồ sơ[^:,]{0,20}(?:chưa|không)[^:,]{0,12}(?:đầy đủ|đủ|hợp lệ|đúng|đáp ứng|bảo đảm|đảm bảo)|"
    r"không (?:đồng ý|chấp thuận|chấp nhận|đủ điều kiện|đáp ứng|đạt|hợp lệ|cấp|giải quyết|phê duyệt|"
    r"cho phép)|từ chối|bổ sung|khắc phục|hoàn thiện|chỉnh sửa|nghĩa vụ tài chính|(?:phải|"
    r"cần) (?:giải trình|lấy ý kiến)",
    re.IGNORECASE,
)
_ACTOR_AFTER = re.compile(
    r"[,.]\s*(?:các\s+)?(?:cơ quan|sở|bộ|cục|ubnd|ủy ban|uỷ ban|phòng|công an|giám đốc|chủ tịch|"
    r"hội đồng|văn phòng|ngân hàng|trung tâm|chi cục|tổ chức|người|cán bộ|công chức|đơn vị|trưởng|"
    r"thủ trưởng|cơ sở|doanh nghiệp|tổng cục|vụ|ban|nếu|phải|tiến hành|xem xét|biên phòng|hải quan|"
    r"thuế|kho bạc)\b",
    re.IGNORECASE,
)
_OFFICE_LABEL = re.compile(
    r"\b(?:cục|sở|bộ|vụ|ubnd|ủy ban|uỷ ban|cấp (?:xã|tỉnh|huyện|đại đội|quân khu|trung ương)|cơ quan|"
    r"phòng|hội đồng|ban|chi cục|văn phòng|thủ tướng|chính phủ|trung tâm|công an|thời (?:hạn|gian)|"
    r"bước|trực tiếp|trực tuyến|bưu chính|bưu điện|nộp|gửi|cổng|địa chỉ)\b",
    re.IGNORECASE,
)
_RUN_ON = re.compile(
    r"\s+(?=(?:\d{2,3} )?Đối với các xã (?:miền|biên))|(?<=làm việc)\s+(?=(?:\d{2,3} )?Đối với |"
    r"Trường hợp )|,\s+(?=tại các xã miền núi)"
)
_PAIRS = re.compile(rf"(?:{DURATION.pattern})\s*\(\s*(?P<case>{_CASE_WORD}\s[^()]+)\)", re.IGNORECASE)
_EXCEPT = re.compile(
    rf"^(?P<main>{_LEAD}{DURATION.pattern})\s*\(\s*(?:hoặc\s+|"
    rf"riêng\s+)?(?P<inner>{_NUMBER_PLAIN}\s*{_UNIT_PLAIN}\s*(?P<case>{_CASE_WORD}\s[^()]+))\)(?P<rest>."
    rf"*)$",
    re.IGNORECASE,
)


def _parts(text: str) -> list[str]:
    """Clauses, where a case that was cut off from its time is put back in front of it."""
    joined: list[str] = []
    for part in (piece for clause in clauses(text) for piece in _RUN_ON.split(clause)):
        last = joined[-1] if joined else ""
        open_case = bool(last) and not DURATION.search(last) and bool(_HAS_CASE.match(strip_bullets(last)))
        if open_case and part[:1].islower() and not last.endswith(":"):
            joined[-1] = f"{last}; {part}"
        elif open_case and last.endswith(":") and _GENERAL.match(strip_bullets(part)):
            joined[-1] = f"{last} {strip_bullets(part)}"
        else:
            joined.append(part)
    return joined


def _without_number(body: str) -> list[ParsedTime]:
    """A time limit in a short clause without a number: "trong ngày", "ngay sau khi nhận đủ hồ sơ"."""
    about_result = re.search(
        r"(?:giải quyết|trả kết quả|thực hiện|thời (?:hạn|gian))[^,;.]{0,70}(?:trong ngày|trong buổi|ngay)|"
        r"^\W*(?:ngay|trong ngày)",
        body,
        re.IGNORECASE,
    )
    if (
        len(body) > 200
        or _HAS_CASE.search(body)
        or not about_result
        or re.search(r"chuyển|gửi|thông báo|tiếp theo|kiểm tra", body, re.IGNORECASE)
    ):
        return []
    if _SAME_DAY.search(body):
        return [ParsedTime(TimeStatus.SAME_DAY, text=body)]
    if _IMMEDIATE.search(body):
        return [ParsedTime(TimeStatus.IMMEDIATE, text=body)]
    return []


def _parse_clause(body: str) -> list[ParsedTime]:
    """Times of one clause; empty where its wording is not certain."""
    body = _ABOUT.sub("", strip_bullets(body).rstrip(" .;,:"))
    found = list(DURATION.finditer(body))
    if len(found) > 1:
        return _parse_several(body, found)
    general = _GENERAL.match(body)
    if general:
        return (
            []
            if _ACTOR_AFTER.search(body[found[0].end() :]) or _STEP_AFTER.search(body[found[0].end() :])
            else [_stated(general)]
        )
    if _INCREASE.search(body[: found[0].start()]) and _INCREASE.search(body[max(0, found[0].start() - 40) :]):
        case = re.split(
            r"\s*[:,]?\s*(?:thì )?thời (?:gian|hạn)|\s*[:,]?\s*(?:thì )?(?:được )?(?:tăng|cộng|kéo dài) thêm",
            body,
            maxsplit=1,
        )[0]
        return (
            [ParsedTime(TimeStatus.IN_TEXT, case=_case_name(case), text=body)]
            if _HAS_CASE.match(case) or case.lower().startswith("tại ")
            else []
        )
    return _parse_case(body, found[0])


_ABOUT = re.compile(r"^thời (?:gian|hạn) (?:giải quyết|thực hiện)(?: thủ tục)? (?=đối với)", re.IGNORECASE)
_STEP_AFTER = re.compile(
    r"kết thúc|kết quả (?:giải quyết|thẩm định|kiểm tra|đánh giá|của)|tờ trình|báo cáo|ý kiến|"
    r"thông báo|trình phê duyệt",
    re.IGNORECASE,
)


def _parse_case(body: str, duration: re.Match[str]) -> list[ParsedTime]:
    after = _TIME_THEN_CASE.match(body)
    if (
        after
        and not _NO_CASE.search(after["case"][:60])
        and not _ACTOR_AFTER.search(body[duration.end() : after.start("case")])
    ):
        return [_stated(after, _case_name(after["case"]))]
    before = _CASE_THEN_TIME.match(body)
    if (
        before
        and not _NO_CASE.search(before["case"])
        and not _ACTOR_AFTER.search(body[duration.end() :])
        and not _OFFICE_STEP.search(before["case"])
    ):
        return [_stated(before, _case_name(before["case"]))]
    return []


_OFFICE_STEP = re.compile(
    r"(?:\bSở|\bUBND|Ủy ban nhân dân|cơ quan[^,:]{0,40}|\bCục|\bBộ)\s[^,:]{0,60}(?:thẩm định|xem xét|"
    r"chuyển|gửi|trình|thông báo|ban hành|kiểm tra|cấp|tiến hành|xác minh)\b|thời gian cơ quan"
)


def _parse_several(body: str, found: list[re.Match[str]]) -> list[ParsedTime]:
    """A clause with several times: one a bracketed case, one with an exception, or a case that mentions a term."""
    pairs = list(_PAIRS.finditer(body))
    if len(pairs) == len(found) and re.fullmatch(
        rf"{_LEAD}\W*(?:và|,|;|hoặc)?\s*{_SINCE}\W*", _PAIRS.sub("", body), re.IGNORECASE
    ):
        return [_stated(pair, _case_name(pair["case"])) for pair in pairs]
    excepted = _EXCEPT.match(body)
    if excepted and len(found) == 2 and not _ACTOR_AFTER.search(excepted["rest"]):
        return [_stated(found[0]), _stated(found[1], _case_name(excepted["case"]))]
    after = _TIME_THEN_CASE.match(body)
    terms = all(UNIT_WORDS.get(match["unit"].lower()) in (TimeUnit.MONTH, TimeUnit.YEAR) for match in found[1:])
    first = UNIT_WORDS.get(re.sub(r"\s+", " ", found[0]["unit"].lower()))
    if after and terms and first in (TimeUnit.DAY, TimeUnit.WORKING_DAY) and not _NO_CASE.search(after["case"][:60]):
        return [_stated(after, _case_name(after["case"]))]
    return []


_LABELLED = re.compile(
    rf"^(?P<case>[^:;]{{3,150}}?)\s*(?::|\s(?=là không quá|"
    rf"không quá))\s*(?:là\s+)?{_LEAD}{DURATION.pattern}{_SINCE}[\s.,)]*$",
    re.IGNORECASE,
)


def _labelled(body: str) -> ParsedTime | None:
    """A label with one time, such as "Cấp lại: 05 ngày làm việc"; whether it is a case depends on its neighbours."""
    body = strip_bullets(body).rstrip(" .;,:")
    match = _LABELLED.match(body)
    if (
        not match
        or len(DURATION.findall(body)) != 1
        or _OFFICE_LABEL.search(match["case"])
        or _NO_CASE.search(match["case"])
    ):
        return None
    if re.search(
        r"thẩm định|kiểm tra|xem xét|thông báo|rà soát|niêm yết|lấy ý kiến|xác minh|trình|họp|ký|"
        r"quyết định|trả kết quả|tiếp nhận|thời hạn|trong đó|chi trả|công bố|đánh giá|báo cáo|ban hành|"
        r"phê duyệt|hoàn thành",
        match["case"],
        re.IGNORECASE,
    ):
        return None
    if _ACTOR_AFTER.search(body) or _STEP_AFTER.search(body):
        return None
    return _stated(match, _case_name(match["case"]))


def _case_name(text: str) -> str:
    """The condition without the words that introduce it: "Đối với xã miền núi:" becomes "Xã miền núi"."""
    text = strip_bullets(text).strip(" .,:;–-")
    if text.count("(") < text.count(")"):
        text = text[: closing_bracket(f"({text}") - 1]  # the bracket before the case was cut off
    text = re.sub(
        r"^(?:\d{2,3} (?=Đối))?(?:(?:đối với|trong|với)\s+)?(?:(?:các )?trường hợp|đối với)\s*:?\s+",
        "",
        text,
        flags=re.IGNORECASE,
    )
    return capitalise(text.strip())


def from_case_times(name: str, cases: list[tuple[str, float | None, str]]) -> list[ParsedTime]:
    """Time limits of the procedure's cases (name, quantity, unit), without those that say nothing.

    The case is None where its name only repeats the procedure's.
    """
    times: list[ParsedTime] = []
    for case, quantity, unit in cases:
        cell = parse_cell(f"{quantity:g}" if quantity else "", API_UNITS.get(unit, unit))
        if cell is not None and cell.status is TimeStatus.STATED:
            label = clean_line(case)
            times.append(replace(cell, case=None if label.casefold() == name.casefold() else label or None))
    return list(dict.fromkeys(times))
