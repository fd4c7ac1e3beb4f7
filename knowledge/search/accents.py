"""Putting the accents back on text typed without them.

A bigram model over syllables, counted in the catalogue's own words: for every folded syllable the
accented forms it can stand for, and how often each follows another. Good enough for the vectors,
which know nothing of unaccented Vietnamese; the lexical index needs no restoration.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from knowledge.text import fold, tokens

_BEAM = 6
_MIN_ACCENTED_SHARE = 0.15


class AccentRestorer:
    """Restores accents with counts learned from accented text."""

    def __init__(self, unigrams: dict[str, int], bigrams: dict[str, int]) -> None:
        self._unigrams, self._bigrams = unigrams, bigrams
        self._total = sum(unigrams.values()) + 1
        self._forms: dict[str, list[str]] = defaultdict(list)
        for form in sorted(unigrams, key=lambda f: -unigrams[f]):
            if len(self._forms[fold(form)]) < _BEAM:
                self._forms[fold(form)].append(form)

    @classmethod
    def learn(cls, texts: Iterable[str], min_count: int = 2) -> AccentRestorer:
        """Count syllables and pairs in accented texts; pairs seen fewer than ``min_count`` times are dropped."""
        unigrams: Counter[str] = Counter()
        bigrams: Counter[str] = Counter()
        for text in texts:
            words = tokens(text)
            unigrams.update(words)
            bigrams.update(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))
        kept = {pair: n for pair, n in bigrams.items() if n >= min_count}
        return cls(dict(unigrams), kept)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps([self._unigrams, self._bigrams], ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> AccentRestorer:
        return cls(*json.loads(path.read_text(encoding="utf-8")))

    def needs_accents(self, text: str) -> bool:
        """Whether the text was typed without accents (a Vietnamese sentence has them on most words)."""
        words = [word for word in tokens(text) if word.isalpha()]
        accented = sum(word != fold(word) for word in words)
        return bool(words) and accented < _MIN_ACCENTED_SHARE * len(words)

    def restore(self, text: str) -> str:
        """The most likely accented reading; words never seen stay as they are."""
        words = tokens(text)
        paths: list[tuple[float, list[str]]] = [(0.0, [])]
        for word in words:
            forms = self._forms.get(word, [word]) if word == fold(word) else [word]
            extended = [
                (score + self._score(path[-1] if path else "", form), [*path, form])
                for score, path in paths
                for form in forms
            ]
            paths = self._best_by_last_word(extended)
        return " ".join(paths[0][1])

    def _score(self, previous: str, form: str) -> float:
        pair = self._bigrams.get(f"{previous} {form}", 0)
        alone = self._unigrams.get(form, 0) + 1
        before = self._unigrams.get(previous, 0) + 1
        return math.log(0.8 * pair / before + 0.2 * alone / self._total)

    @staticmethod
    def _best_by_last_word(paths: list[tuple[float, list[str]]]) -> list[tuple[float, list[str]]]:
        best: dict[str, tuple[float, list[str]]] = {}
        for score, path in paths:
            if path[-1] not in best or score > best[path[-1]][0]:
                best[path[-1]] = (score, path)
        return sorted(best.values(), key=lambda p: -p[0])[:_BEAM]
