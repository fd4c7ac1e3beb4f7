"""Whether a message that comes where free words are waited for is plainly something else: a question, a cry for help.

Words are compared without accents; the lists are in ``words.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

from actions.dossiers.codes import find_codes
from knowledge.fields import asked_fields
from knowledge.text import fold, normalize

_SHORT, _MEDIUM, _LONG = 8, 12, 20
"""Words up to which a message may be a wish or a code alone, a question in plain words, a cry for help."""
_OPINION = 4
"""Words beside those of an opening that make an opinion."""


@cache
def words(kind: str) -> tuple[str, ...]:
    """A list of ``words.yml`` without accents."""
    lists = yaml.safe_load(Path(__file__).with_name("words.yml").read_text(encoding="utf-8"))
    return tuple(fold(normalize(one)) for one in lists[kind])


@cache
def _any_of(kind: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(map(re.escape, words(kind))) + r")\b")


def says_something(text: str) -> bool:
    """Whether a wish to give an opinion holds the opinion, too: "tôi muốn góp ý" does not."""
    said = fold(normalize(text)).split()
    return sum(word.strip(".,!:;") not in words("opening") for word in said) >= _OPINION


def is_aside(text: str, names_procedure: Callable[[str], bool], *, again: bool = False) -> bool:
    """Whether a message is no free words about how it was.

    Args:
        text: as typed.
        names_procedure: whether the search finds a procedure that a text is about.
        again: whether the words were asked for a second time; then only a plain question counts.
    """
    folded = fold(normalize(text))
    length = len(folded.split())
    if length <= _LONG and _any_of("urgent").search(folded):
        return True
    reading = find_codes(text)
    if length <= _SHORT and (_any_of("wishes").search(folded) or reading.codes or reading.suggestions):
        return True
    if text.rstrip().endswith("?") or (length <= _MEDIUM and _any_of("questions").search(folded)):
        return bool(asked_fields(normalize(text)) or _any_of("subjects").search(folded))
    if again or length > _MEDIUM or _any_of("opinions").search(folded):
        return False
    return names_procedure(text)
