"""Reading a far end's fields: words, dates, amounts, states. What cannot be read becomes nothing, and is counted."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from actions.dossiers.adapters.persons import Persons
from actions.dossiers.dossier import State
from knowledge.text import clean, fold

VIETNAM = dt.timezone(dt.timedelta(hours=7))

UNREADABLE = "the dossier cannot be read"
OTHER_DOSSIER = "the answer is about another dossier"
ABOUT_ONE_DOSSIER = frozenset({UNREADABLE, OTHER_DOSSIER})
"""Reasons that tell nothing about the system's health: one odd dossier must not close the way to all the others."""

NATIONAL_STATES: dict[int, tuple[State, str]] = {
    1: (State.REGISTERED, "Mới đăng ký"),
    2: (State.RECEIVED, "Được tiếp nhận"),
    3: (State.NOT_ACCEPTED, "Không được tiếp nhận"),
    4: (State.PROCESSING, "Đang xử lý"),
    5: (State.SUPPLEMENT, "Yêu cầu bổ sung giấy tờ"),
    6: (State.PAYMENT, "Yêu cầu thực hiện nghĩa vụ tài chính"),
    7: (State.WITHDRAWN, "Công dân yêu cầu rút hồ sơ"),
    8: (State.STOPPED, "Dừng xử lý"),
    9: (State.FINISHED, "Đã xử lý xong"),
    10: (State.RETURNED, "Đã trả kết quả"),
}
"""Codes of the national synchronisation protocol with their official names."""

STATES_BY_NAME = {fold(name): state for state, name in NATIONAL_STATES.values()}

_YEARS = range(2000, 2101)
_NO_TIME = re.compile(r"0+|0001-?01-?01.*|1900-?01-?01.*")
"""How systems write that there is no date."""


def now() -> dt.datetime:
    """Local time in Vietnam, without zone."""
    return dt.datetime.now(VIETNAM).replace(tzinfo=None, microsecond=0)


def same_code(value: Any, code: str) -> bool:
    """Whether a far end's code is the one that was asked for, written in either case."""
    return isinstance(value, str) and value.strip().upper() == code.strip().upper()


class Reading:
    """One answer while it is read.

    Args:
        answer: the decoded JSON, for the names in it that must not be repeated.

    Attributes:
        notes: what was wrong, by kind and field, for operators; no values.
    """

    def __init__(self, answer: Any) -> None:
        self._persons = Persons(answer)
        self.notes: Counter[str] = Counter()

    def note(self, kind: str, field: str) -> None:
        self.notes[f"{kind}: {field}"] += 1

    def text(self, value: Any, field: str) -> str:
        """Clean words without persons' data; "" for nothing and for what is no word at all."""
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.note("not a text", field)
            return ""
        return self._persons.scrub(clean(str(value)[:20_000]))

    def time(self, value: Any, field: str, parse: Callable[[str], dt.datetime]) -> dt.datetime | None:
        """A local time without zone; None, and a note, when it is none. Nothing is guessed.

        Args:
            parse: turns the text into a time, with or without zone, or raises ValueError or OverflowError.
        """
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else value
        if text is None or text == "" or (isinstance(text, str) and _NO_TIME.fullmatch(text)):
            return None
        try:
            if not isinstance(text, str) or len(text) > 40:
                raise ValueError
            time = parse(text)
            if time.year not in _YEARS:
                raise ValueError
            local = time.astimezone(VIETNAM) if time.tzinfo else time
            return local.replace(tzinfo=None, microsecond=0)
        except (ValueError, OverflowError, OSError):
            self.note("wrong date", field)
            return None

    def amount(self, value: Any, field: str) -> int | None:
        """Đồng; None, and a note, when the value is no amount."""
        if value is None or value == "":
            return None
        text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        plain = re.sub(r"\.0+$", "", text) if re.fullmatch(r"\d{1,12}\.0{1,2}", text) else text
        if re.fullmatch(r"\d{1,12}", plain):
            return int(plain)
        if re.fullmatch(r"\d{1,3}(?:\.\d{3}){1,3}|\d{1,3}(?:,\d{3}){1,3}", plain):
            return int(re.sub(r"\D", "", plain))
        self.note("wrong amount", field)
        return None

    def procedure_code(self, value: Any) -> str | None:
        """A procedure's code, or None for what has not the shape of one."""
        text = str(value).strip() if isinstance(value, str) else ""
        return text if re.fullmatch(r"[0-9A-Za-z.]{1,40}", text) else None

    def state(self, value: Any, label: str, names: dict[str, State]) -> tuple[State, str]:
        """The state and the words for it; what ``names`` (folded) does not hold is unknown, and shown as it is."""
        state = names.get(fold(str(value)) if isinstance(value, str | int) else "") or names.get(fold(label))
        if state is not None:
            return state, label
        self.note("unknown state", "state")
        return State.UNKNOWN, label or "hệ thống không ghi trạng thái"


def national_time(text: str) -> dt.datetime:
    """``yyyyMMddHHmmss``, and nothing near it.

    Raises:
        ValueError: anything else.
    """
    if not re.fullmatch(r"[0-9]{14}", text):
        raise ValueError
    return dt.datetime.strptime(text, "%Y%m%d%H%M%S")
