"""Sentences that staff write again and again, from ``canned_replies.yml``: the installation's own file, else the shipped one.

The installation's is ``<home>/console/canned_replies.yml``: a list of ``title`` and ``text``.
"""

from __future__ import annotations

import logging
from pathlib import Path

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

logger = logging.getLogger(__name__)

FILE = Path(__file__).with_name("canned_replies.yml")


class Canned(BaseModel):
    """A sentence to send; ``title`` names it for staff."""

    title: str = Field(min_length=1, max_length=80)
    text: str = Field(min_length=1, max_length=2_000)


_LIST = TypeAdapter(list[Canned])


def load(home: Path) -> list[Canned]:
    """The installation's sentences; the shipped ones where it has none, or its file cannot be read."""
    own = home / "console" / FILE.name
    if own.exists():
        try:
            return _LIST.validate_python(yaml.safe_load(own.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            logger.error("%s cannot be read (%s); the shipped sentences are used", FILE.name, type(error).__name__)
    return _LIST.validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))
