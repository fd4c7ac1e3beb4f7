"""Letters: how wide text is, where lines break, which size fits. The font (Be Vietnam Pro, OFL) lies beside in ``fonts/``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

FONTS = Path(__file__).with_name("fonts")
FILES = {False: FONTS / "BeVietnamPro-Regular.ttf", True: FONTS / "BeVietnamPro-Bold.ttf"}
"""Font files by whether they are bold."""
LINE = 1.22
"""Distance of baselines, in sizes: Vietnamese capitals carry two marks above."""


class Face:
    """One weight of the font."""

    def __init__(self, path: Path) -> None:
        self._font = TTFont(path)
        self._letters = self._font.getBestCmap()
        self._glyphs = self._font.getGlyphSet()
        self._em = self._font["head"].unitsPerEm

    def known(self, text: str) -> str:
        """The text in composed letters; a letter that the font lacks becomes a blank."""
        composed = unicodedata.normalize("NFC", text)
        return " ".join("".join(c if ord(c) in self._letters else " " for c in composed).split())

    def width(self, text: str, size: float) -> float:
        """How wide the text is, in the unit of ``size``."""
        return sum(self._glyphs[self._letters[ord(c)]].width for c in self.known(text)) * size / self._em

    def outline(self, text: str, x: float, y: float, size: float) -> str:
        """SVG path data of the text with its baseline's start at ``x``, ``y`` (y goes down)."""
        pen, scale = (
            SVGPathPen(self._glyphs, ntos=lambda number: f"{number:.3f}".rstrip("0").rstrip(".")),
            size / self._em,
        )
        for letter in self.known(text):
            glyph = self._glyphs[self._letters[ord(letter)]]
            glyph.draw(TransformPen(pen, (scale, 0, 0, -scale, x, y)))
            x += glyph.width * scale
        return str(pen.getCommands())


@cache
def face(bold: bool) -> Face:
    return Face(FILES[bold])


@dataclass(frozen=True)
class Set:
    """Text broken into lines at a size."""

    lines: list[str]
    size: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LINE


def fit(text: str, width: float, sizes: tuple[float, float], most_lines: int, *, bold: bool) -> Set:
    """The text at the largest size between ``sizes`` (largest, smallest) at which it fits into so many lines.

    Lines are about equally long. At the smallest size the text is cut off with "…" where it still does not fit.
    """
    size, smallest = sizes
    while True:
        lines = _broken(text, width, size, bold)
        fits = len(lines) <= most_lines and all(face(bold).width(line, size) <= width for line in lines)
        if fits:
            return Set(_balanced(text, lines, width, size, bold), size)
        if size <= smallest:
            return Set(_cut(lines, most_lines, width, size, bold), size)
        size = max(smallest, size * 0.96)


def _broken(text: str, width: float, size: float, bold: bool) -> list[str]:
    lines: list[str] = []
    for word in face(bold).known(text).split(" "):
        if lines and face(bold).width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _balanced(text: str, lines: list[str], width: float, size: float, bold: bool) -> list[str]:
    """The same number of lines within the smallest width that holds them."""
    narrowest, widest = 0.0, width
    for _ in range(12):
        middle = (narrowest + widest) / 2
        tried = _broken(text, middle, size, bold)
        if len(tried) <= len(lines) and all(face(bold).width(line, size) <= middle for line in tried):
            lines, widest = tried, middle
        else:
            narrowest = middle
    return lines


def _cut(lines: list[str], most: int, width: float, size: float, bold: bool) -> list[str]:
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while face(bold).width(f"{last}…", size) > width and " " in last:
        last = last.rpartition(" ")[0]
    return [*lines[: most - 1], f"{last}…"]
