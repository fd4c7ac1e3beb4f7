"""The tables of accounts and sessions. Times are Vietnam's, naive."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Boolean, Date, DateTime, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from connectors.staff.roles import Member, Role
from knowledge.database import Base

MAX_DISPLAY = 100


class StaffAccount(Base):
    """One member of staff. Without ``password_hash`` they sign in through the office's OIDC provider only."""

    __tablename__ = "staff_account"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    display: Mapped[str] = mapped_column(String(MAX_DISPLAY))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    disabled: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime)
    last_sign_in: Mapped[dt.date | None] = mapped_column(Date)

    @property
    def member(self) -> Member:
        return Member(self.name, self.display, Role(self.role))


class StaffSession(Base):
    """One signed-in browser."""

    __tablename__ = "staff_session"
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("staff_account.id", ondelete="CASCADE"), index=True, nullable=False
    )
    created_at: Mapped[dt.datetime] = mapped_column(DateTime)
    seen_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
