"""A message beside the procedure that a talk is about: another life situation is not answered with the old one."""

from __future__ import annotations

import pytest

from knowledge.search.context import Context, search_in_context
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine

BIRTH = "1.001193"


@pytest.mark.parametrize("text", ["con tôi sắp cưới vợ", "lương hưu", "bo toi vua nghi huu"])
def test_another_matter_is_not_answered_with_the_present_procedure(starter_engine: SearchEngine, text: str) -> None:
    found = search_in_context(starter_engine, text, Context(BIRTH))
    assert not (found.decision is Decision.ANSWER and found.results[0].code == BIRTH)


@pytest.mark.parametrize("text", ["lệ phí bao nhiêu", "con tôi sinh ở bệnh viện tỉnh khác", "vậy cần làm gì nữa"])
def test_what_goes_on_about_it_is(starter_engine: SearchEngine, text: str) -> None:
    found = search_in_context(starter_engine, text, Context(BIRTH))
    assert (found.decision, found.results[0].code) == (Decision.ANSWER, BIRTH)
