"""Ratings that come from other channels, such as the buttons under an answer on the web page."""

from __future__ import annotations

import datetime as dt

import pytest

from actions.dossiers.vault import MemoryVault
from actions.feedback.connect import Feedback, connect
from actions.feedback.responses import Saved
from actions.procedures import ProcedureTalk
from knowledge.settings import Settings
from tests.actions.dossiers.conftest import KEY

BIRTH = "1.001193"
EVER = (dt.date(2020, 1, 1), dt.date(2100, 1, 1))


@pytest.fixture
def feedback(talk: ProcedureTalk, starter_settings: Settings, engine) -> Feedback:  # type: ignore[no-untyped-def]
    settings = starter_settings.model_copy(update={"commune": "xã Mẫu"})
    return connect(engine, KEY, MemoryVault(), talk, settings)


def test_a_rating_with_reason_and_words(feedback: Feedback) -> None:
    saved = feedback.rate_answer(
        answer="web:x:7",
        channel="web",
        useful=False,
        reasons=["incomplete", "other"],
        comment="hỏi anh Hùng 0912345678 thì khác",
        procedure_code=BIRTH,
    )
    assert saved is Saved.RECORDED
    (kept,) = feedback.responses.within(*EVER, "answer")
    assert (kept.answers, kept.complete) == ({"useful": 0, "reason": "incomplete"}, True)
    assert kept.comments == {"comment": "hỏi anh [tên] [số điện thoại] thì khác"}
    assert (kept.channel, kept.commune, kept.procedure_code, kept.field) == ("web", "xã Mẫu", BIRTH, "Hộ tịch")


def test_rated_again_the_later_rating_counts(feedback: Feedback) -> None:
    for useful in (False, True, True):
        feedback.rate_answer(answer="web:x:7", channel="web", useful=useful, reasons=["other"], comment="x")
    (kept,) = feedback.responses.within(*EVER, "answer")
    assert (kept.answers, kept.comments) == ({"useful": 1}, {})


def test_a_made_up_reason_is_refused(feedback: Feedback) -> None:
    with pytest.raises(ValueError, match="no such value"):
        feedback.rate_answer(answer="web:x:7", channel="web", useful=False, reasons=["nonsense"])
    assert feedback.responses.within(*EVER) == []


def test_an_unknown_procedure_has_no_field(feedback: Feedback) -> None:
    feedback.rate_answer(answer="web:x:7", channel="web", useful=True, procedure_code="9.999999")
    (kept,) = feedback.responses.within(*EVER)
    assert (kept.procedure_code, kept.field) == ("9.999999", None)


def test_sweeping(feedback: Feedback) -> None:
    feedback.rate_answer(answer="web:x:7", channel="web", useful=True)
    feedback.sweep(dt.datetime(2100, 1, 1))
    assert feedback.rate_answer(answer="web:x:7", channel="web", useful=False) is Saved.CLOSED
