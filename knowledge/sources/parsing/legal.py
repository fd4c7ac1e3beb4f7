"""Legal bases (căn cứ pháp lý): numbers and titles, also where a page runs them together."""

from __future__ import annotations

import re

from .text import LOWER, clean_line

_ORGAN = rf"(?:QH\d{{2}}|UBTVQH\d{{1,2}}|TTg|[A-ZĐ]+(?![{LOWER}]))"
NUMBER = rf"\d+(?:\.\d+)?/(?:(?:19|20)\d{{2}}/)?{_ORGAN}(?:\s?[-–/]\s?{_ORGAN})*"
"""A legal text's number: ``123/2015/NĐ-CP``, ``59/2020/QH14``, ``163/QĐ-BTP``, ``66.7/2025/NQ-CP``."""
_NUMBER = re.compile(NUMBER)
_KIND = (
    r"(?:Luật|Bộ luật|Nghị định|Thông tư liên tịch|Thông tư|Quyết định|Nghị quyết|Pháp lệnh|Hiến pháp|"
    r"thông tư|nghị định)"
)
_CELL = re.compile(rf"(?:(?P<kind>{_KIND})\s*(?:số\s*:?\s*)?)?(?P<number>{NUMBER})")
TABLE_HEAD = "Tên văn bản pháp lýMã văn bản"
_LOOK_ALIKES = str.maketrans("АВЕКМНОРСТХ", "ABEKMHOPCTX")  # Cyrillic letters that stand in some numbers


def find_number(text: str) -> str | None:
    """The first legal number in a text."""
    match = _NUMBER.search(text.translate(_LOOK_ALIKES))
    return re.sub(r"\s", "", match[0]).replace("–", "-") if match else None


def read_pair(number: object, title: object) -> tuple[str, str | None] | None:
    """A pair of cells as (number, title); the title is None where it only repeats the number."""
    number_text, title_text = clean_line(number), clean_line(title)
    found = find_number(number_text) or (number_text if number_text else None) or find_number(title_text)
    if not found:
        return (title_text[:200], None) if title_text else None
    plain = re.sub(rf"^{_KIND}?\s*(?:số\s*)?", "", title_text)
    return found, title_text if title_text and plain != found else None


_CUT = "\N{SYMBOL FOR UNIT SEPARATOR}"
_AFTER_YEAR = re.compile(r"(?<=/(?:19|20)\d{2})(?=\d{1,4}/(?:(?:19|20)\d{2}/)?[A-ZĐ])")


def split_table(text: str) -> tuple[list[tuple[str, str | None]], str | None]:
    """Split a page's table of legal texts whose cells run together; the second value is what is left over.

    A number is a cell of its own where no blank precedes it, as in
    ``Nghị định 118/2014/NĐ-CP118/2014/NĐ-CPThông tư ...``.
    """
    text = _AFTER_YEAR.sub(f"{_CUT}", clean_line(text).replace(TABLE_HEAD, "", 1).strip())
    pairs: list[tuple[str, str | None]] = []
    start = 0
    for match in _CELL.finditer(text.translate(_LOOK_ALIKES)):
        if match.start() < start:
            continue
        before = text[match.start() - 1 : match.start()]
        after = text[match.end() : match.end() + 1]
        own_cell = match.start() > start and not before.isspace() and before not in '(/[“"'
        if (
            not own_cell
            and match["kind"]
            and match.start() == start
            and (not after or _glued(text[match.end() :], match["number"]))
        ):
            continue  # the title is the number's own name; its cell follows
        if not own_cell or (after and after in "/-"):
            continue
        if match["kind"] and not (not after or after.isupper() or after.isdigit()):
            continue
        title = text[start : match.start()].strip(f" -–.;,{_CUT}")
        pair = read_pair(match["number"], title)
        if pair:
            pairs.append(pair)
        start = match.end()
    tail = text[start:].strip(f" -–.;,{_CUT}")
    if not tail:
        return pairs, None
    number = find_number(tail)
    if number:
        return [*pairs, (number, tail)], None
    return pairs, tail


def _glued(rest: str, number: str) -> bool:
    return rest.lstrip().startswith(number)
