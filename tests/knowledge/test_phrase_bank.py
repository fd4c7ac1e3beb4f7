from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path

import pytest

from knowledge.phrase_bank import SHIPPED, PhraseBank, PhraseFileError, fingerprint
from knowledge.procedure import CODE_PATTERN, Procedure
from knowledge.settings import Settings


def test_an_offices_own_phrases_are_added(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    before = fingerprint(settings)
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "ours.yml").write_text('"1.000001":\n  - việc lạ của xã ta\n', encoding="utf-8")
    bank = PhraseBank.of(settings)
    procedure = Procedure(code="1.000001", name="Việc thử", phrases=["có sẵn"])
    assert next(bank.added_to([procedure])).phrases == ["có sẵn", "việc lạ của xã ta"]
    assert fingerprint(settings) != before


@pytest.mark.parametrize("content", ["- a list", "just words", '"1.000001": not a list', "a: [b\nc"])
def test_a_file_in_another_form_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.yml").write_text(content, encoding="utf-8")
    with pytest.raises(PhraseFileError, match=r"bad\.yml"):
        PhraseBank.load([tmp_path])


def test_the_shipped_bank_is_clean() -> None:
    import re

    bank = PhraseBank.load([SHIPPED])
    owners: dict[str, set[str]] = defaultdict(set)
    for code, phrases in bank.phrases.items():
        assert re.match(CODE_PATTERN, code), code
        for phrase in phrases:
            assert phrase == unicodedata.normalize("NFC", phrase)
            assert len(phrase) < 200
            owners[phrase.lower()].add(code)
    assert {phrase: codes for phrase, codes in owners.items() if len(codes) > 1} == {}
    assert sum(map(len, bank.phrases.values())) > 6_000
