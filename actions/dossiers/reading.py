"""Reading what one-stop systems write: column names, dates, states, channels, amounts (words in ``columns.yml``).

No error here holds the value that could not be read: it may be personal.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from actions.dossiers.codes import Flaw, date_of, find_codes
from actions.dossiers.dossier import State
from actions.privacy import mask
from knowledge.text import clean, fold

VIETNAM = dt.timezone(dt.timedelta(hours=7), "Asia/Ho_Chi_Minh")
_EARLIEST, _LATEST = dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)
_NESTED = ("supplements", "fees", "identities")
_EXCEL_EPOCH = dt.datetime(1899, 12, 30)
_MOST_TEXT = 2_000
_MOST_NAME = 200
_CODE = re.compile(r"((?:[A-Z0-9]{1,4}\.){0,4}[A-Z0-9]{1,4})-[0-9]{6}-[0-9]{3,7}")
_AMOUNT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{3}){1,4}|[0-9]{1,15})(?:[.,]0{1,2})?\s*(?:đ|₫|đồng|vnd|vnđ)?")
_GROUP = re.compile(r"[GH]\d{2}")


class ReadingError(ValueError):
    """A value that cannot be read; the message says what kind of value, in Vietnamese, never the value itself."""


def vietnam_now() -> dt.datetime:
    """Local time of Vietnam without zone, as dossiers have it."""
    return dt.datetime.now(VIETNAM).replace(tzinfo=None)


# -- words --------------------------------------------------------------------------------------


def key(text: str) -> str:
    """What is compared of a word: letters and digits without accents and case."""
    return "".join(c for c in fold(clean(text)) if c.isalnum())


_key_of_name = lru_cache(maxsize=2_000)(key)
"""For names of columns, which come again with every row."""


@cache
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(__file__).with_name("columns.yml").read_text(encoding="utf-8")))


@cache
def names_of(section: str) -> dict[str, str]:
    """Our name for every known name, by :func:`key`. ``section`` is columns, supplement or fee."""
    return {key(name): ours for ours, names in _data()[section].items() for name in names}


@cache
def _coded(section: str) -> dict[str, str]:
    """Our value for every number and name of ``states`` or ``channels``."""
    entries = _data()[section].items()
    by_name = {key(name): ours for ours, entry in entries for name in entry["names"]}
    return by_name | {str(entry["number"]): ours for ours, entry in entries}


LABELS: dict[State, str] = {State(ours): entry["names"][0] for ours, entry in _data()["states"].items()}
"""The official name of each state. :attr:`State.UNKNOWN` has none, only what the system says."""
LABELS[State.UNKNOWN] = "Chưa rõ trạng thái"


def renamed(record: Mapping[Any, Any], section: str = "columns") -> dict[str, Any]:
    """What we know of a record, under our names; empty values and everything else left out.

    Where two of its names mean the same, the first that has a value counts. Lists and records count only where
    such are expected.
    """
    ours = names_of(section)
    out: dict[str, Any] = {}
    for name, value in record.items():
        known = ours.get(_key_of_name(str(name)[:_MOST_NAME]))
        expected = known in _NESTED or not isinstance(value, (list, Mapping))
        if known and known not in out and expected and not is_empty(value):
            out[known] = value
    return out


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


# -- values -------------------------------------------------------------------------------------


def read_code(value: Any) -> str:
    """A normalised dossier code.

    Raises:
        ReadingError: it is none.
    """
    text = _plain(value).strip().upper()
    # The usual form is looked at first: reading a message takes a hundred times as long, and files have a million rows.
    found = _CODE.fullmatch(text)
    if found and any(_GROUP.fullmatch(part) for part in found.group(1).split(".")) and date_of(text):
        return text
    reading = find_codes(text)
    if len(reading.codes) == 1:
        return reading.codes[0]
    if any(problem.flaw is Flaw.IMPOSSIBLE_DATE for problem in reading.problems):
        raise ReadingError("phần ngày trong mã hồ sơ không phải là một ngày có thật")
    raise ReadingError("mã hồ sơ không đúng dạng")


def read_state(value: Any) -> tuple[State, str]:
    """A state and its words; one that nobody knows is :attr:`State.UNKNOWN` under its own words.

    Raises:
        ReadingError: it is empty.
    """
    text = _plain(value).strip()
    known = _coded("states").get(text.lstrip("0") or text) or _coded("states").get(key(text))
    if known:
        return State(known), LABELS[State(known)]
    label = read_text(text)
    if not label:
        raise ReadingError("thiếu trạng thái hồ sơ")
    return State.UNKNOWN, f"Trạng thái số {label}" if label.isdecimal() else label


def read_channel(value: Any) -> str | None:
    """``in_person``, ``online`` or ``post``; None for anything else, which nobody depends on."""
    text = _plain(value).strip()
    return _coded("channels").get(text) or _coded("channels").get(key(text))


def read_text(value: Any) -> str:
    """One line without control characters, personal numbers masked."""
    return mask(clean(_plain(value))).text[:_MOST_TEXT]


def read_yes(value: Any) -> bool | None:
    """Yes or no; a date means that it happened; None where it cannot be told."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (dt.date, dt.datetime)):
        return True
    words = key(_plain(value))
    for answer, section in ((True, "yes"), (False, "no")):
        if words in {key(word) for word in _data()[section]}:
            return answer
    return None


def read_amount(value: Any) -> int | None:
    """An amount in đồng: ``8000``, ``"8.000 đ"``; None where it cannot be told."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return round(value) if math.isfinite(value) and 0 <= value < 1e15 else None
    found = _AMOUNT.fullmatch(clean(_plain(value)).lower())
    return int(re.sub(r"[.,]", "", found.group(1))) if found else None


# -- moments ------------------------------------------------------------------------------------

_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_TIME = r"(?P<h>\d{1,2})[:hg](?P<mi>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?"
_DAY = r"(?P<d>\d{1,2})[/.\-](?P<m>\d{1,2})[/.\-](?P<y>\d{4})"
_WRITTEN = (re.compile(rf"{_DAY}(?:[ ,]+{_TIME})?"), re.compile(rf"{_TIME}[ ,]+(?:ngày )?{_DAY}"))


def read_moment(value: Any) -> dt.datetime:
    """A local moment from ``dd/MM/yyyy [HH:mm[:ss]]``, ISO 8601, ``yyyyMMdd[HHmm[ss]]`` or Excel's days.

    A day without a time is its midnight. A moment with a zone becomes Vietnam's time.

    Raises:
        ReadingError: it is none of these, no real date, or outside the years 2000 to 2099.
    """
    try:
        moment = _moment(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(VIETNAM).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ReadingError("không đọc được ngày") from None
    if not _EARLIEST <= moment < _LATEST:
        raise ReadingError("ngày nằm ngoài khoảng năm 2000–2099")
    return moment.replace(microsecond=0)


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, (int, float)) and value < 1_000_000:
        return _EXCEL_EPOCH + dt.timedelta(seconds=round(value * 86_400))
    text = clean(_plain(value))
    if text.isascii() and text.isdigit():
        return dt.datetime.strptime(text, _DIGITS[len(text)]) if len(text) in _DIGITS else _excel_text(text)
    for pattern in _WRITTEN:
        if found := pattern.fullmatch(text.lower()):
            part = {name: int(v) for name, v in found.groupdict().items() if v}
            time = (part.get("h", 0), part.get("mi", 0), part.get("s", 0))
            return dt.datetime(part["y"], part["m"], part["d"], *time)
    return dt.datetime.fromisoformat(text)


def _excel_text(digits: str) -> dt.datetime:
    if len(digits) != 5:
        raise ValueError
    return _EXCEL_EPOCH + dt.timedelta(days=int(digits))


def _plain(value: Any) -> str:
    """A cell as text; ``4.0`` is 4, as spreadsheets have it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)
