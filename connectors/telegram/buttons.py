"""What is behind a button: Telegram carries 64 bytes with it; anything longer waits here under a random token.

A token belongs to the conversation it was made for. Buttons in groups always have one, so that only who asked can press.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import DateTime, Engine, String, Text, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from connectors.telegram.addresses import Address
from knowledge.database import Base

MAX_DATA_BYTES = 64
KEEP_DAYS = 30
PRESSED = "."
"""Data of the button that shows what was chosen; pressing it does nothing."""

_PLAIN, _TOKEN = "=", "#"
_TOKEN_BYTES = 16
_TOKEN_DATA = re.compile(r"#[A-Za-z0-9_-]{22}", re.ASCII)


class ButtonRow(Base):
    """The payload of one button of one conversation."""

    __tablename__ = "telegram_button"
    token: Mapped[str] = mapped_column(String(22), primary_key=True)
    sender: Mapped[str] = mapped_column(String(64), index=True)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


@dataclass(frozen=True)
class Button:
    """What a pressed button stands for, and whose it is; the one who pressed it where it has no token."""

    sender: str = field(repr=False)
    payload: str = field(repr=False)


class Buttons:
    """The table of tokens. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def data(self, address: Address, payloads: Sequence[str], now: dt.datetime | None = None) -> list[str]:
        """The callback data for each payload, each at most :data:`MAX_DATA_BYTES`."""
        made: list[str] = []
        rows: list[dict[str, object]] = []
        for payload in payloads:
            plain = _PLAIN + payload
            if not address.in_group and len(plain.encode()) <= MAX_DATA_BYTES:
                made.append(plain)
                continue
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            rows.append(
                {"token": token, "sender": address.sender, "payload": payload, "created_at": now or vietnam_now()}
            )
            made.append(_TOKEN + token)
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(ButtonRow), rows)
        return made

    def find(self, data: str, pressed_by: Address, now: dt.datetime | None = None) -> Button | None:
        """What stands behind callback data; None where it is too old, or never was ours."""
        if data.startswith(_PLAIN) and not pressed_by.in_group:
            return Button(pressed_by.sender, data.removeprefix(_PLAIN))
        if not _TOKEN_DATA.fullmatch(data):
            return None
        young = ButtonRow.created_at >= (now or vietnam_now()) - dt.timedelta(days=KEEP_DAYS)
        query = select(ButtonRow.sender, ButtonRow.payload).where(ButtonRow.token == data.removeprefix(_TOKEN), young)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Button(*row) if row else None

    def sweep(self, now: dt.datetime | None = None) -> int:
        """Remove tokens older than :data:`KEEP_DAYS`; returns how many."""
        before = (now or vietnam_now()) - dt.timedelta(days=KEEP_DAYS)
        with self._engine.begin() as connection:
            return connection.execute(delete(ButtonRow).where(ButtonRow.created_at < before)).rowcount

    def erase(self, sender: str) -> int:
        """Remove all tokens of a conversation; returns how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(ButtonRow).where(ButtonRow.sender == sender)).rowcount
