"""Roles of staff, and what each may do.

==========  =================================================================================================
agent       the hotline's work: search to read aloud, calls, conversations that wait for a person
supervisor  what agents may; reports of calls, answers that wait for approval
officer     reports of satisfaction, the review list, petitions, entry of paper surveys, the catalogue
admin       everything, and the accounts
==========  =================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is; a route names the roles that it is for."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    OFFICER = "officer"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        """As the member sees it."""
        return _LABELS[self]

    def may_act_as(self, *roles: Role) -> bool:
        """True where this role is one of ``roles`` or includes one; every role may where none is named."""
        return not roles or bool(_INCLUDES[self] & set(roles))


_LABELS = {
    Role.AGENT: "Tổng đài viên",
    Role.SUPERVISOR: "Trưởng ca",
    Role.OFFICER: "Cán bộ một cửa",
    Role.ADMIN: "Quản trị",
}
_INCLUDES = {
    Role.AGENT: {Role.AGENT},
    Role.SUPERVISOR: {Role.SUPERVISOR, Role.AGENT},
    Role.OFFICER: {Role.OFFICER},
    Role.ADMIN: set(Role),
}


@dataclass(frozen=True)
class Member:
    """Who is signed in: ``name`` is the account's (for records and the audit), ``display`` what people read."""

    name: str
    display: str
    role: Role

    def may_act_as(self, *roles: Role) -> bool:
        """See :meth:`Role.may_act_as`."""
        return self.role.may_act_as(*roles)
