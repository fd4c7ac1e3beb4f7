"""The console's navigation: each part says at import where its page is and who may use it.

``navigation.add("/console/calls", "Cuộc gọi", "Ghi và xem lại các cuộc gọi.", Role.AGENT, order=20)``
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.staff.roles import Member, Role


@dataclass(frozen=True)
class Entry:
    """A page of the console; ``label`` and ``hint`` are Vietnamese, ``order`` small for what comes first."""

    path: str
    label: str
    hint: str
    roles: tuple[Role, ...]
    order: int


_entries: dict[str, Entry] = {}


def add(path: str, label: str, hint: str, *roles: Role, order: int = 100) -> None:
    """Show a page in the navigation of the members who may act as one of ``roles``; of all where none is named."""
    _entries[path] = Entry(path, label, hint, roles, order)


def entries_for(member: Member) -> list[Entry]:
    """What this member may use, in order."""
    mine = [entry for entry in _entries.values() if member.may_act_as(*entry.roles)]
    return sorted(mine, key=lambda entry: (entry.order, entry.path))
