from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knowledge.search.lexical import LexicalIndex, syllables, terms

TEXTS = ["đăng ký khai sinh", "đăng ký khai tử", "đăng ký kết hôn có yếu tố nước ngoài", "cấp bản sao trích lục", "đăng ký khai tư"]


def test_the_lexical_half_really_splits_words() -> None:
    assert terms("Khai sinh") == ["khai", "sinh", "khai_sinh"]
    assert terms("khai tử") == ["khai", "tu", "khai_tu", "^tử"]


def test_accents_are_not_needed_but_count() -> None:
    index = LexicalIndex.build(TEXTS)
    assert index.scores("khai sinh").argmax() == 0
    assert index.scores("KHAI TU").argmax() in (1, 4)
    assert index.scores("khai tử")[1] > index.scores("khai tử")[4]
    assert index.scores("khai tu")[1] == index.scores("khai tu")[4]
    assert not index.scores("bóng đá").any()


def test_coverage_is_the_share_of_words_that_a_text_holds() -> None:
    index = LexicalIndex.build(TEXTS)
    both = np.asarray([0, 1])
    assert index.coverage(syllables("khai sinh"), both)[0] == 1.0
    assert 0 < index.coverage(syllables("khai sinh"), both)[1] < 1
    assert index.coverage(syllables("bóng đá"), both).tolist() == [0.0, 0.0]
    assert index.coverage(syllables(""), both).tolist() == [0.0, 0.0]


def test_saved_and_opened_it_scores_the_same(tmp_path: Path) -> None:
    index = LexicalIndex.build(TEXTS)
    index.save(tmp_path / "x")
    opened = LexicalIndex.load(tmp_path / "x", len(TEXTS))
    assert (opened.scores("khai tử") == index.scores("khai tử")).all()


def test_an_empty_index_answers_nothing(tmp_path: Path) -> None:
    index = LexicalIndex.build([])
    index.save(tmp_path / "x")
    assert LexicalIndex.load(tmp_path / "x", 0).scores("khai sinh").tolist() == []


@given(st.text(max_size=60))
def test_any_question_can_be_scored(text: str) -> None:
    assert len(LexicalIndex.build(TEXTS).scores(text)) == len(TEXTS)
