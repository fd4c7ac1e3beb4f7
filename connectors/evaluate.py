"""`motcua evaluate`: running the benchmark against search, answers or the whole assistant."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from actions.procedures import Message, ProcedureTalk, Talk
from connectors.running import running
from connectors.terminal import open_session
from knowledge.catalogue import Catalogue
from knowledge.evaluation import Evaluation, Outcome, Question, evaluate, read_questions
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine
from knowledge.settings import Settings

_CANDIDATES = 10


def evaluate_file(
    settings: Settings, file: Path, level: str, tick: Callable[[int, int | None], None], say: Callable[[str], None]
) -> Evaluation:
    """Measure on one file.

    Args:
        level: ``search`` (ranking and decision), ``answer`` (the reply made from it) or ``dialogue``
            (every message through Rasa; dialogues of the file turn by turn).
    """
    questions, dialogues = read_questions(file)
    catalogue = Catalogue.open(settings)
    engine = SearchEngine.open(settings)
    known = {card.code for card in engine.index.cards}
    if level == "dialogue":
        with running(settings, say) as url, httpx.Client(base_url=url, timeout=30.0) as http:
            return _through_rasa(http, engine, questions, dialogues, known, tick)
    talk = ProcedureTalk(catalogue, engine, settings)
    ask = _search_only(engine) if level == "search" else _answers(engine, talk)
    return evaluate(questions, ask, known, lambda done: tick(done, len(questions)))


def _search_only(engine: SearchEngine) -> Callable[[Question], Outcome]:
    def ask(question: Question) -> Outcome:
        found = engine.search(question.question, k=_CANDIDATES)
        return Outcome(found.decision, [hit.code for hit in found.results], found.ms)

    return ask


def _answers(engine: SearchEngine, talk: ProcedureTalk) -> Callable[[Question], Outcome]:
    def ask(question: Question) -> Outcome:
        started = time.perf_counter()
        reply, _after = talk.respond(Message(question.question), Talk())
        ms = (time.perf_counter() - started) * 1000
        found = engine.search(question.question, k=_CANDIDATES)
        codes = [hit.code for hit in found.results]
        if reply.procedure_code:
            codes = [reply.procedure_code, *(code for code in codes if code != reply.procedure_code)]
        return Outcome(_decision(reply.status), codes, ms, reply.fields)

    return ask


def _through_rasa(http, engine, questions, dialogues, known, tick) -> Evaluation:  # type: ignore[no-untyped-def]
    """Single questions each in a fresh conversation, dialogues turn by turn."""
    rows = list(questions)
    session_of: dict[str, str | None] = {question.id: None for question in questions}
    for dialogue in dialogues:
        for number, turn in enumerate(dialogue.turns, start=1):
            key = f"{dialogue.id}#{number}"
            rows.append(Question(id=key, question=turn.user, style="dialogue", **turn.expect.model_dump()))
            session_of[key] = dialogue.id
    sessions: dict[str, str] = {}

    def ask(question: Question) -> Outcome:
        dialogue = session_of[question.id]
        session = sessions.setdefault(dialogue, open_session(http)) if dialogue else open_session(http)
        started = time.perf_counter()
        response = http.post("/api/v1/web/messages", json={"session": session, "text": question.question})
        response.raise_for_status()
        ms = (time.perf_counter() - started) * 1000
        reply = response.json()["messages"][-1]
        codes = [reply["procedure_code"]] if reply.get("procedure_code") else _offered(reply)
        if len(codes) < _CANDIDATES and not dialogue:
            found = engine.search(question.question, k=_CANDIDATES).results
            codes += [hit.code for hit in found if hit.code not in codes]
        return Outcome(_decision(reply["status"]), codes, ms, reply.get("fields", []))

    # A turn of a dialogue must be sent even if its codes are unknown here, or the talk would differ.
    known = known | {code for question in rows for code in question.acceptable_codes if session_of[question.id]}
    return evaluate(rows, ask, known, lambda done: tick(done, len(rows)))


def _offered(reply: dict) -> list[str]:  # type: ignore[type-arg]
    return [o["payload"].split('"')[3] for o in reply.get("options", []) if o["payload"].startswith("/choose_option")]


def _decision(status: str) -> Decision:
    if status in ("answered", "not_published"):
        return Decision.ANSWER
    return Decision.CLARIFY if status == "clarification" else Decision.ABSTAIN
