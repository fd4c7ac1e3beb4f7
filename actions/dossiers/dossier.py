"""What is known of a dossier, and the five ways in which a look-up can end.

Nothing here names a person: adapters drop names, numbers and addresses before they build a :class:`Dossier`.
Times are local (Vietnam, UTC+7, no zone), as the one-stop systems give them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """The ten states of the national synchronisation protocol, and what none of them covers."""

    REGISTERED = "registered"  # 1 Mới đăng ký
    RECEIVED = "received"  # 2 Được tiếp nhận
    NOT_ACCEPTED = "not_accepted"  # 3 Không được tiếp nhận
    PROCESSING = "processing"  # 4 Đang xử lý
    SUPPLEMENT = "supplement"  # 5 Yêu cầu bổ sung giấy tờ
    PAYMENT = "payment"  # 6 Yêu cầu thực hiện nghĩa vụ tài chính
    WITHDRAWN = "withdrawn"  # 7 Công dân yêu cầu rút hồ sơ
    STOPPED = "stopped"  # 8 Dừng xử lý
    FINISHED = "finished"  # 9 Đã xử lý xong
    RETURNED = "returned"  # 10 Đã trả kết quả
    UNKNOWN = "unknown"  # anything else: the label is shown as the system gives it


@dataclass(frozen=True)
class Supplement:
    """One request for more papers."""

    asked_at: dt.datetime | None = None
    content: str = ""  # which papers, in the office's words
    done_at: dt.datetime | None = None
    due_before: dt.datetime | None = None
    due_after: dt.datetime | None = None


@dataclass(frozen=True)
class Payment:
    """What must be paid before the work goes on; ``amount`` in đồng, None when the system does not say."""

    amount: int | None = None
    content: str = ""


@dataclass(frozen=True)
class Dossier:
    """One dossier as its system tells it, without any person's data."""

    code: str
    state: State
    label: str  # the state in the system's own words
    source: str  # which system said so, in words a citizen knows
    fetched_at: dt.datetime
    procedure_code: str | None = None
    procedure_name: str = ""
    agency: str = ""  # who works on it
    place: str = ""  # where it was handed in and the result is collected
    channel: str = ""  # "in_person", "online", "post" or ""
    submitted_at: dt.datetime | None = None
    received_at: dt.datetime | None = None
    due_at: dt.datetime | None = None  # the system's own date of return
    finished_at: dt.datetime | None = None
    returned_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    reason: str = ""  # why refused or stopped
    supplements: tuple[Supplement, ...] = ()
    payment: Payment | None = None
    apology_sent: bool = False  # the letter of apology has gone out
    new_due_at: dt.datetime | None = None  # the date that the letter of apology promises


@dataclass(frozen=True)
class Proof:
    """The second factor: last digits of the phone or identity number on the slip. Never stored, never logged."""

    digits: str = field(repr=False)


@dataclass(frozen=True)
class Found:
    dossier: Dossier


@dataclass(frozen=True)
class NotFoundOrMismatch:
    """No such code, or the proof is not this dossier's: which of the two is never told."""


@dataclass(frozen=True)
class NotThisSystem:
    """The agency part of the code belongs to a system that is not connected here."""


@dataclass(frozen=True)
class RateLimited:
    """Too many tries; ``retry_after_s`` seconds until the next is worth while."""

    retry_after_s: int


@dataclass(frozen=True)
class Unavailable:
    """The system does not answer, or answers what nobody can read. ``reason`` is for operators, about no person."""

    reason: str = ""


Result = Found | NotFoundOrMismatch | NotThisSystem | RateLimited | Unavailable


class Adapter(Protocol):
    """A way to one system that holds dossiers."""

    name: str

    def covers(self, code: str) -> bool:
        """Whether this system may hold the (normalised) code, judged by its agency part."""
        ...

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        """Look one dossier up.

        Args:
            code: a normalised dossier code.
            proof: the second factor; None only for staff, whose right was proved otherwise.

        Never raises: whatever goes wrong at the far end is :class:`Unavailable`.
        """
        ...
