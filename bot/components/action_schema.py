"""Checks an action's reply against a schema that is prepared once.

Rasa 3.6 calls ``jsonschema.validate`` for every reply. That function checks the schema itself against the
meta-schema and builds a new validator each time, about 15 ms, more than everything else in a turn of ours. The
schema never changes while the server runs, so one validator serves all replies. The pipeline imports this module, so
the server has it before the first message.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from rasa.core.actions.action import RemoteAction


@lru_cache(maxsize=1)
def _validator() -> Draft7Validator:
    return Draft7Validator(RemoteAction.action_response_format_spec())


def _validate_action_result(self: RemoteAction, result: dict[str, Any]) -> bool:
    error = best_match(_validator().iter_errors(result))
    if error is not None:
        raise error
    return True


RemoteAction._validate_action_result = _validate_action_result
