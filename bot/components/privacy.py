"""Keeps what people write out of Rasa's logs.

Rasa 3.6 logs the text of a message when something fails, at levels that no setting turns off without losing the
error too. Four ways lead there, and each is closed here:

* structured log entries with ``text``, ``user_text`` and the like;
* tracebacks in JSON, which come with the values of local variables;
* warnings that quote a message beginning with "/" which is no button of ours;
* database errors, which quote the parameters of the statement, that is, the turn.

Rasa has a plugin hook for the first, but whoever answers it must also rewrite every event, and Rasa then reads each
talk once more a turn.
"""

from __future__ import annotations

import warnings
from typing import Any

import structlog
from sqlalchemy.exc import StatementError
from structlog.tracebacks import ExceptionDictTransformer

HIDDEN = "(hidden)"
HARMLESS = {"event", "event_info", "level", "timestamp", "exc_info", "stack_info", "action_name", "policy_name", "name"}
"""Entries of a log line that never come from a message; all others are hidden."""


def hide_values(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor that hides every value that may come from a message."""
    return {key: value if key in HARMLESS else HIDDEN for key, value in line.items()}


processors = structlog.get_config()["processors"]  # the very list that loggers made before us hold
processors.insert(0, hide_values)
for i, processor in enumerate(processors):
    if processor is structlog.processors.dict_tracebacks:
        processors[i] = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
warnings.filterwarnings("ignore", message="Failed to parse arguments")
StatementError.hide_parameters = property(lambda self: True, lambda self, value: None)
