from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.search.accents import AccentRestorer

CORPUS = ["giấy khai sinh của con", "làm giấy khai tử", "giấy chứng nhận kết hôn", "đăng ký khai sinh"] * 3


@pytest.fixture
def restorer() -> AccentRestorer:
    return AccentRestorer.learn(CORPUS)


def test_accents_come_back_by_the_words_around(restorer: AccentRestorer) -> None:
    assert restorer.restore("lam giay khai tu") == "làm giấy khai tử"
    assert restorer.restore("giay khai sinh cua con") == "giấy khai sinh của con"
    assert restorer.restore("xyz khai tử") == "xyz khai tử"
    assert restorer.restore("") == ""


def test_only_text_typed_without_accents_needs_them(restorer: AccentRestorer) -> None:
    assert restorer.needs_accents("lam giay khai sinh")
    assert not restorer.needs_accents("làm giấy khai sinh")
    assert not restorer.needs_accents("123")


def test_saved_and_loaded_it_restores_the_same(restorer: AccentRestorer, tmp_path: Path) -> None:
    restorer.save(tmp_path / "a.json")
    assert AccentRestorer.load(tmp_path / "a.json").restore("giay ket hon") == restorer.restore("giay ket hon")
