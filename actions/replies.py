"""One reply of the assistant, as actions make it and as Rasa carries it (its ``custom`` payload)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Status = Literal[
    "answered", "clarification", "no_such_procedure", "not_published", "out_of_scope",
    "dossier_found", "dossier_not_found_or_mismatch", "dossier_not_this_system", "dossier_unavailable",
    "feedback_recorded", "handoff", "small_talk", "refused_personal_data", "emergency", "error",
]  # fmt: skip
"""The closed vocabulary that is stored with every turn."""


class ReplyOption(BaseModel):
    """Something to tap; ``payload`` is what is sent in its place."""

    label: str
    payload: str


class Reply(BaseModel):
    """What to show: text that stands on its own, and the same in parts for richer channels."""

    text: str
    status: Status
    procedure_code: str | None = None
    fields: list[str] = []
    options: list[ReplyOption] = []
    sources: list[dict[str, str]] = []
    card: dict[str, object] | None = None
