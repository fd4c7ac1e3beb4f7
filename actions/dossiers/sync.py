"""The one-stop system's own messages (national sync protocol), stored in the registry.

Three services push: ``DongBoHoSoMC`` (a dossier in full), ``CapNhatTienDoHoSoMC`` (a line of its progress) and
``DongBoTrangThaiHoSo`` (its state). The same message twice leaves the same state, and one that comes late does not
overwrite what is newer, so a sender may repeat whatever it is unsure of; ``isUpdating`` makes no difference here.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from actions.dossiers.entries import entry_of
from actions.dossiers.reading import ReadingError, key
from actions.dossiers.registry import Entry, Outcome, Registry

FULL, PROGRESS, STATE = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo"
MOST_ITEMS = 1_000
REPLAY_WINDOW_S = 300
OK, NOT_ALL, NONE = "0", "1", "-1"


class SyncMessage(BaseModel):
    """A message as the far end sends it; items hold the protocol's fields, of which persons' data are dropped."""

    service: Literal["DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo"]
    session: str | None = Field(None, max_length=2_000)
    madonvi: str | None = Field(None, max_length=200)
    isUpdating: bool | Literal["True", "False", "true", "false"] | None = None
    data: list[dict[str, Any]] = Field(max_length=MOST_ITEMS)


class SyncItemResult(BaseModel):
    """What became of one item, in the message's order."""

    MaHoSo: str | None
    error_code: str
    message: str


class SyncReply(BaseModel):
    """The protocol's envelope: ``error_code`` 0 all stored, 1 some were not, -1 none was."""

    error_code: Literal["0", "1", "-1"]
    message: str
    result: list[SyncItemResult]


_SAID = {
    Outcome.ADDED: "đã thêm",
    Outcome.CHANGED: "đã cập nhật",
    Outcome.UNCHANGED: "không có gì mới",
    Outcome.OLDER: "đã có thông tin mới hơn",
}


def apply(registry: Registry, message: SyncMessage, source: str | None = None) -> SyncReply:
    """Store what a message tells.

    Args:
        source: the sender's name as citizens know it.
    """
    read = [_entry(message.service, item, source) for item in message.data]
    stored = iter(registry.store([entry for entry in read if isinstance(entry, Entry)]))
    results = [_result(entry, next(stored)) if isinstance(entry, Entry) else _failed(entry) for entry in read]
    failed = sum(result.error_code != OK for result in results)
    if not failed:
        return SyncReply(error_code=OK, message="Thành công", result=results)
    words = f"{failed} trong {len(results)} hồ sơ không nhận được"
    return SyncReply(error_code=NONE if failed == len(results) else NOT_ALL, message=words, result=results)


def _entry(service: str, item: Mapping[str, Any], source: str | None) -> Entry | str:
    """What an item tells, or what is wrong with it."""
    kept = dict(item) | ({"source": source} if source else {})
    if service == PROGRESS:
        kept = _progress(kept)
    try:
        return entry_of(kept, state_needed=service != PROGRESS)
    except ReadingError as error:
        return str(error)


_OF_PROGRESS = {key(name) for name in ("MaHoSo", "ThoiDiemXuLy", "TrangThai", "TrangThaiHoSo", "source")}


def _progress(item: Mapping[str, Any]) -> dict[str, Any]:
    """Of a progress line, what is about the dossier: the rest names officers and their opinions.

    Its state is the dossier's only where it is one of the ten numbers; systems also write the step's own there.
    """
    kept = {name: value for name, value in item.items() if key(name) in _OF_PROGRESS}
    numbers = {str(number) for number in range(1, 11)}
    is_state = lambda name: key(name) in (key("TrangThai"), key("TrangThaiHoSo"))  # noqa: E731
    return {name: value for name, value in kept.items() if not is_state(name) or str(value).strip() in numbers}


def _result(entry: Entry, outcome: Outcome) -> SyncItemResult:
    if outcome is Outcome.MISSING:
        return SyncItemResult(MaHoSo=entry.code, error_code=NOT_ALL, message="chưa có hồ sơ này")
    return SyncItemResult(MaHoSo=entry.code, error_code=OK, message=_SAID[outcome])


def _failed(reason: str) -> SyncItemResult:
    return SyncItemResult(MaHoSo=None, error_code=NOT_ALL, message=reason)


# -- the signature ------------------------------------------------------------------------------


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a message: HMAC-SHA256 over timestamp, a full stop and the raw body, in hexadecimal digits."""
    return hmac.new(secret, timestamp.encode() + b"." + body, "sha256").hexdigest()


def is_signed(secret: bytes, timestamp: str, signature: str, body: bytes, now: float | None = None) -> bool:
    """Whether the signature is right and not older or newer than :data:`REPLAY_WINDOW_S`.

    Args:
        timestamp: seconds since 1970, in decimal digits.
        now: the same, of this machine's clock.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    right = hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.strip().lower().encode())
    fresh = abs((time.time() if now is None else now) - int(timestamp)) <= REPLAY_WINDOW_S
    return right and fresh
