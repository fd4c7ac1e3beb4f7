"""The review list: what comes in, who may let it through, and where it goes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.feedback.reviews import Kind, ReviewError, Reviews, State, Use, export, use_of
from actions.turns import TurnLog
from knowledge.evaluation import read_questions
from knowledge.phrase_bank import PhraseBank

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def reviews(engine: sa.Engine) -> Reviews:
    return Reviews(engine)


def approved(reviews: Reviews, question: str, code: str | None) -> str:
    reviews.rated_bad(question, None, None, TODAY)
    (one,) = [one for one in reviews.entries() if one.question == question]
    reviews.mark(one.id, code, "lan")
    reviews.approve(one.id, "minh")
    return one.id


def test_equal_questions_are_one_entry_without_personal_numbers(reviews: Reviews) -> None:
    reviews.rated_bad("Làm khai sinh, số tôi 0912345678", "1.001193", "incomplete", TODAY)
    reviews.rated_bad("lam khai sinh, so toi 0987654321", "1.001193", "wrong_procedure", TODAY)
    reviews.rated_bad("   ", None, None, TODAY)
    (one,) = reviews.entries()
    assert (one.count, one.kind, one.reason) == (2, Kind.BAD_RATING, "wrong_procedure")
    assert "0912" not in one.question


def test_unanswered_questions_are_gathered_once(reviews: Reviews, engine: sa.Engine, tmp_path: Path) -> None:
    log = TurnLog(engine, tmp_path)
    for text, status in [
        ("xin giấy bay", "no_such_procedure"),
        ("Xin giấy  bay", "no_such_procedure"),
        ("lệ phí", "answered"),
    ]:
        log.record(channel="web", conversation="c", status=status, question=text)
    days = dt.date.today() - dt.timedelta(days=2), dt.date.today() + dt.timedelta(days=2)
    assert [reviews.gather(*days), reviews.gather(*days)] == [1, 0]
    (one,) = reviews.entries()
    assert (one.count, one.kind, one.answered_code) == (2, Kind.UNANSWERED, None)


def test_who_marks_does_not_approve(reviews: Reviews) -> None:
    reviews.rated_bad("sang tên xe cũ", "1.000001", "wrong_procedure", TODAY)
    (one,) = reviews.entries()
    with pytest.raises(ReviewError):
        reviews.approve(one.id, "minh")
    reviews.mark(one.id, "1.000002", "lan")
    with pytest.raises(ReviewError):
        reviews.approve(one.id, "lan")
    assert reviews.entries(State.MARKED)[0].right_code == "1.000002"
    assert reviews.approve(one.id, "minh") is use_of(one.id)
    with pytest.raises(ReviewError):
        reviews.mark(one.id, "1.000003", "lan")
    assert reviews.counts() == {"open": 0, "marked": 0, "approved": 1, "dismissed": 0}


def test_a_question_that_is_rated_bad_again_is_open_again(reviews: Reviews) -> None:
    id = approved(reviews, "đổi biển số", "1.000002")
    reviews.rated_bad("đổi biển số", "1.000002", "incomplete", TODAY)
    (one,) = reviews.entries()
    assert (one.id, one.right_code, one.count) == (id, None, 2)
    reviews.dismiss(one.id, "lan")
    assert reviews.counts()["dismissed"] == 1


def test_phrases_and_evaluation_rows_are_kept_apart_and_nothing_unapproved_leaves(
    reviews: Reviews, tmp_path: Path
) -> None:
    ids = {approved(reviews, f"câu hỏi thứ {number}", "1.001193") for number in range(40)}
    nothing = approved(reviews, "mua vé xem phim", None)
    reviews.rated_bad("chưa ai duyệt", None, None, TODAY)
    (waiting,) = reviews.entries()
    reviews.mark(waiting.id, "1.001193", "lan")
    done = export(reviews, tmp_path)
    phrases = PhraseBank.load([tmp_path / "phrases"]).phrases["1.001193"]
    questions, _ = read_questions(tmp_path / "evaluation" / "reviewed.jsonl")
    asked = {question.question for question in questions}
    assert not set(phrases) & asked
    assert len(phrases) + len(asked - {"mua vé xem phim"}) == len(ids)
    assert 5 <= len(asked) <= 22, "about one in three"
    assert "chưa ai duyệt" not in set(phrases) | asked
    assert done == {"phrases": len(phrases), "evaluation": len(questions)}
    rows = [json.loads(line) for line in (tmp_path / "evaluation" / "reviewed.jsonl").read_text().splitlines()]
    behaviors = {row["question"]: row["behavior"] for row in rows}
    assert ("mua vé xem phim" in behaviors) == (use_of(nothing) is Use.EVALUATION)
    assert behaviors.get("mua vé xem phim", "abstain") == "abstain"
