"""From a record as a one-stop system writes it (a row of an export, an item of a message) to an :class:`Entry`.

Here names and subjects of dossiers fall away, and numbers shrink to their last digits.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actions.dossiers.adapters.persons import Persons
from actions.dossiers.dossier import Payment, State, Supplement
from actions.dossiers.keys import PROOF_DIGITS
from actions.dossiers.reading import (
    ReadingError,
    is_empty,
    read_amount,
    read_channel,
    read_code,
    read_moment,
    read_state,
    read_text,
    read_yes,
    renamed,
    vietnam_now,
)
from actions.dossiers.registry import Entry
from knowledge.text import fold

_TEXTS = ("procedure_code", "procedure_name", "field", "agency", "place", "commune", "source")
_MOMENTS = {
    "submitted_at": "ngày nộp",
    "received_at": "ngày tiếp nhận",
    "due_at": "ngày hẹn trả",
    "finished_at": "ngày xử lý xong",
    "returned_at": "ngày trả kết quả",
    "refused_at": "ngày từ chối",
    "updated_at": "ngày cập nhật",
    "new_due_at": "ngày hẹn trả mới",
    "supplement_asked_at": "ngày yêu cầu bổ sung",
    "supplement_done_at": "ngày hoàn thành bổ sung",
}
_PAST = ("submitted_at", "received_at", "finished_at", "returned_at", "refused_at", "updated_at")
_NO_DATE = ("", "0", "-", "00000000000000")
_CLOCKS_APART = dt.timedelta(days=1)
_MOST_ITEMS = 200
_SEVERAL = re.compile(r"[;/\n]|,\s|\s-\s")
"""What stands between several numbers in one cell; the first one counts."""


def entry_of(
    record: Mapping[Any, Any],
    *,
    as_of: dt.datetime | None = None,
    state_needed: bool = True,
    may_lie_ahead: bool = False,
) -> Entry:
    """Read one record.

    Args:
        record: values by column or field name, in any of the spellings of ``columns.yml``.
        as_of: a moment that the record vouches for, such as when the file was made.
        state_needed: a record without a state is an error.
        may_lie_ahead: accept what happens later than now (made-up samples).

    Raises:
        ReadingError: what is wrong, in Vietnamese, without the record's values.
    """
    known = renamed(record)
    if "code" not in known:
        raise ReadingError("thiếu mã hồ sơ")
    words = _scrubber(record)
    moments = {name: _moment(known, name) for name in _MOMENTS}
    supplements = _supplements(known, moments, words)
    happened = [(_MOMENTS[name], moments[name]) for name in _PAST]
    happened += [("ngày bổ sung", moment) for s in supplements or () for moment in (s.asked_at, s.done_at)]
    if not may_lie_ahead:
        _refuse_the_future(happened)
    state, label = _state(known, state_needed, words)
    if state is State.NOT_ACCEPTED and moments["finished_at"] is None:
        moments["finished_at"] = moments["refused_at"]
    return Entry(
        code=read_code(known["code"]),
        state=state,
        label=label,
        **{name: read_text(known[name]) for name in _TEXTS if name in known},
        reason=words(known["reason"]) if "reason" in known else None,
        channel=read_channel(known["channel"]) if "channel" in known else None,
        **{name: moment for name, moment in moments.items() if name in _STORED_MOMENTS},
        apology_sent=read_yes(known["apology_sent"]) if "apology_sent" in known else None,
        supplements=supplements,
        payment=_payment(known, words),
        as_of=max((moment for moment in (as_of, *(m for _, m in happened)) if moment), default=None),
        phone=_last_digits(known.get("phone")),
        identity=_last_digits(known.get("identity")) or _identity(known.get("identities")),
    )


_STORED_MOMENTS = (
    "submitted_at", "received_at", "due_at", "finished_at", "returned_at", "updated_at", "new_due_at",
)  # fmt: skip


Words = Callable[[Any], str]
"""Reads what officers write freely, without the persons that the record names elsewhere."""


def _scrubber(record: Mapping[Any, Any]) -> Words:
    persons: list[Persons] = []

    def words(value: Any) -> str:
        if not persons:  # few records hold free text, and looking for persons takes a while
            persons.append(Persons({fold(str(name)).replace(" ", "_"): v for name, v in record.items()}))
        return persons[0].scrub(read_text(value))

    return words


def _moment(known: Mapping[str, Any], name: str) -> dt.datetime | None:
    value = known.get(name)
    if value is None or str(value).strip() in _NO_DATE:
        return None
    try:
        return read_moment(value)
    except ReadingError as error:
        raise ReadingError(f"{_MOMENTS[name]}: {error}") from None


def _refuse_the_future(happened: Iterable[tuple[str, dt.datetime | None]]) -> None:
    """A slip of the pen in a year would otherwise keep every later report out."""
    latest = vietnam_now() + _CLOCKS_APART
    for name, moment in happened:
        if moment and moment > latest:
            raise ReadingError(f"{name} nằm ở tương lai")


def _state(known: Mapping[str, Any], needed: bool, words: Words) -> tuple[State | None, str | None]:
    if not known.keys() & {"state", "label"}:
        if needed:
            raise ReadingError("thiếu trạng thái hồ sơ")
        return None, None
    state, label = read_state(known["state"] if "state" in known else known["label"])
    own = known.get("label")
    return state, words(own or label) if own or state is State.UNKNOWN else label


def _supplements(
    known: Mapping[str, Any], moments: Mapping[str, dt.datetime | None], words: Words
) -> tuple[Supplement, ...] | None:
    if items := list(_items(known.get("supplements"), "supplement")):
        return tuple(_supplement(item, words) for item in items)
    content = words(known["supplement_content"]) if "supplement_content" in known else ""
    asked_at, done_at = moments["supplement_asked_at"], moments["supplement_done_at"]
    return (Supplement(asked_at, content, done_at),) if content or asked_at or done_at else None


def _supplement(item: Mapping[str, Any], words: Words) -> Supplement:
    moment = lambda name: read_moment(item[name]) if str(item.get(name) or "").strip() not in _NO_DATE else None  # noqa: E731
    return Supplement(
        asked_at=moment("asked_at"),
        content=words(item["content"]) if "content" in item else "",
        done_at=moment("done_at"),
        due_before=moment("due_before"),
        due_after=moment("due_after"),
    )


def _payment(known: Mapping[str, Any], words: Words) -> Payment | None:
    fees = known.get("fees")
    if items := list(_items([fees] if isinstance(fees, Mapping) else fees, "fee")):
        amounts = [read_amount(item.get("amount")) for item in items]
        told = [amount for amount in amounts if amount is not None]
        contents = [words(item["content"]) for item in items if "content" in item]
        # A sum with an unknown part would be wrong, so there is none.
        return Payment(sum(told) if len(told) == len(amounts) else None, "; ".join(contents))
    amount = read_amount(known["payment_amount"]) if "payment_amount" in known else None
    content = words(known["payment_content"]) if "payment_content" in known else ""
    return Payment(amount, content) if amount is not None or content else None


def _items(value: Any, section: str) -> Iterable[dict[str, Any]]:
    """The members of a list that are records, under our names."""
    if isinstance(value, list):
        yield from (renamed(item, section) for item in value[:_MOST_ITEMS] if isinstance(item, Mapping))


def _identity(value: Any) -> str | None:
    """Last digits out of ``DinhDanhCHS``; the citizen's number (LoaiDinhDanh 1) goes first."""
    if not isinstance(value, list):
        return None
    numbers = [item for item in value[:_MOST_ITEMS] if isinstance(item, Mapping)]
    numbers.sort(key=lambda item: str(item.get("LoaiDinhDanh")) != "1")
    return next((found for item in numbers if (found := _last_digits(item.get("SoDinhDanh")))), None)


def _last_digits(value: Any) -> str | None:
    if is_empty(value) or isinstance(value, (list, Mapping)):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    first = _SEVERAL.split(text.strip(), maxsplit=1)[0]
    digits = "".join(c for c in first if c.isascii() and c.isdigit())
    return digits[-PROOF_DIGITS:] if len(digits) >= PROOF_DIGITS else None
