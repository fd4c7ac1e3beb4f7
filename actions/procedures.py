"""One turn about procedures: which procedure, which facts, and what to say.

The state of a talk is small and lives in Rasa's slots (:class:`Talk`). A message either names a
procedure, or follows up on the one being talked about, or chooses from what was offered; the
words of the message and the search's scores decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from actions.replies import Reply, ReplyOption
from knowledge.answers import TITLES, answer
from knowledge.catalogue import Catalogue
from knowledge.fields import asked_fields, content_words, strip_fields
from knowledge.places import present_province, provinces_in, without_places
from knowledge.procedure import Procedure
from knowledge.search.clarify import essence
from knowledge.search.context import Context, search_in_context
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine, SearchResult
from knowledge.search.index import Card
from knowledge.settings import Settings
from knowledge.text import fold, normalize

_WORDS = json.loads(Path(__file__).with_name("talk_words.json").read_text(encoding="utf-8"))
_SHORTCUTS = {"documents": "Giấy tờ", "fee": "Lệ phí", "time": "Thời hạn", "place": "Nơi nộp", "method": "Nộp online"}
_INTENT_FIELD = {
    "ask_documents": "documents", "ask_fee": "fee", "ask_time": "time", "ask_place": "place", "ask_online": "method",
    "ask_form": "form", "ask_conditions": "conditions", "ask_result": "result", "ask_legal": "legal",
}  # fmt: skip
_GUESS = 0.5
"""Share of the probability from which an option is taken as meant by somebody who does not choose."""
_TOPIC_LENGTH = 200
_REMEMBERED = 5


@dataclass(frozen=True)
class Talk:
    """What is remembered between turns."""

    procedure_code: str | None = None
    earlier: list[str] = field(default_factory=list)  # procedures talked about before, the last one first
    fields: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    guess: str | None = None  # the likely one of the options, for who goes on without choosing
    topic: str = ""  # the words that led to the options
    page: int = 1


@dataclass(frozen=True)
class Message:
    """What was understood of the user's message."""

    text: str
    intent: str = ""
    fields: list[str] = field(default_factory=list)
    choice: str | None = None  # the code behind a tapped option
    ordinal: int | None = None  # which option in words; -1 is the last

    @property
    def asked(self) -> list[str]:
        """The asked fields: those seen in the words, else the one the intent stands for."""
        if self.fields:
            return self.fields
        return asked_fields(normalize(self.text)) or [f for f in [_INTENT_FIELD.get(self.intent)] if f]


class ProcedureTalk:
    """Answers messages about procedures from one catalogue and its index."""

    def __init__(self, catalogue: Catalogue, engine: SearchEngine, settings: Settings) -> None:
        self.catalogue, self.engine, self.settings = catalogue, engine, settings

    def respond(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        """Answer one message.

        Returns:
            The reply and the state to remember for the next turn.
        """
        chosen = message.choice or self._chosen(message, talk)
        if chosen:
            reply, after = self._tell(chosen, message.asked or talk.fields, talk)
            return reply, replace(after, options=talk.options)  # another one can still be picked
        if message.intent == "choose_option":
            return self._follow_up(message, replace(talk, procedure_code=None, guess=None))
        if message.intent == "more":
            return self._more(talk)
        if message.intent == "go_back":
            return self._go_back(message, talk)
        if message.intent == "correct":
            return self._correct(message, talk)
        if message.intent in ("affirm", "deny"):
            return self._yes_or_no(message, talk)
        return self._ask(message, talk)

    # -- a question ------------------------------------------------------------------------

    def _ask(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        topic = strip_fields(normalize(message.text))
        if not content_words(topic):
            return self._follow_up(message, talk)
        if talk.earlier and _LOOKS_BACK.search(fold(message.text)):
            return self._go_back(message, talk)
        context = Context(talk.procedure_code, tuple(talk.options), talk.topic)
        found = search_in_context(self.engine, message.text, context)
        if found.decision is Decision.ANSWER:
            return self._tell(found.results[0].code, message.asked, talk)
        if found.decision is Decision.CLARIFY:
            return self._clarify(found, message, replace(talk, topic=topic[:_TOPIC_LENGTH]))
        return self._none_fits(found, talk)

    def _follow_up(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        if talk.guess and message.asked:
            return self._tell_guess(talk.guess, message, talk)
        if talk.procedure_code:
            return self._tell(talk.procedure_code, message.asked, talk)
        if talk.options:
            return self._offer("Anh/chị chọn giúp một việc trong danh sách:", talk.options, replace(talk, fields=message.asked))
        text = (
            "Anh/chị hỏi về thủ tục nào ạ? Anh/chị cứ kể việc cần làm, ví dụ: “con tôi mới sinh”, "
            "“mất căn cước”, “sang tên sổ đỏ”."
        )
        return Reply(text=text, status="clarification", fields=message.asked), replace(talk, fields=message.asked)

    def _tell_guess(self, code: str, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        """Who goes on without choosing is answered for the likely option, and told so; the others stay on offer."""
        reply, after = self._tell(code, message.asked, talk)
        text = f"Tôi đang hiểu anh/chị hỏi việc này; nếu không phải, anh/chị nhắn số của việc khác ở trên.\n{reply.text}"
        return reply.model_copy(update={"text": text}), replace(after, options=talk.options)

    def _tell(self, code: str, fields: Iterable[str], talk: Talk, page: int = 1) -> tuple[Reply, Talk]:
        procedure = self.catalogue.get(code)
        if procedure is None:
            return self._gone(code), replace(talk, options=[])
        told = answer(procedure, fields, page)
        fields = [f for f in told.fields if f in TITLES]
        after = Talk(procedure_code=code, earlier=_before(talk, code), fields=fields, page=told.page)
        status = "answered" if told.status == "answered" else "not_published"
        reply = Reply(
            text=told.text,
            status=status,  # type: ignore[arg-type]
            procedure_code=code,
            fields=told.fields,
            options=self._shortcuts(procedure, told.fields, more=told.page < told.pages),
            sources=told.sources,
            card=told.to_dict(),
        )
        return reply, after

    def _shortcuts(self, procedure: Procedure, told: list[str], *, more: bool) -> list[ReplyOption]:
        options = [ReplyOption(label="Xem tiếp", payload="xem tiếp")] if more else []
        intents = {f: intent for intent, f in _INTENT_FIELD.items()}
        for name, label in _SHORTCUTS.items():
            if name not in told and procedure.has_details:
                options.append(ReplyOption(label=label, payload=f"/{intents[name]}"))
        return options[:5]

    # -- asking back, abstaining -----------------------------------------------------------

    def _clarify(self, found: SearchResult, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        assert found.clarification is not None
        codes = [option.code for option in found.clarification.options]
        labels = [option.label for option in found.clarification.options]
        guess = found.results[0].code if found.results[0].score >= _GUESS else None
        after = replace(talk, options=codes, fields=message.asked, guess=guess)
        return self._options_reply(found.clarification.question, codes, labels, message.asked), after

    def _offer(self, question: str, codes: list[str], talk: Talk) -> tuple[Reply, Talk]:
        known = [card for card in map(self.engine.card, codes) if card]
        reply = self._options_reply(question, [c.code for c in known], [c.title for c in known], talk.fields)
        return reply, replace(talk, options=[c.code for c in known])

    def _options_reply(self, question: str, codes: list[str], labels: list[str], fields: list[str]) -> Reply:
        listed = "\n".join(f"{number}. {label}" for number, label in enumerate(labels, start=1))
        options = [
            ReplyOption(label=label, payload="/choose_option" + json.dumps({"choice": code}))
            for code, label in zip(codes, labels, strict=True)
        ]
        text = f"{question}\n{listed}\nAnh/chị nhắn số thứ tự hoặc bấm chọn. Nếu không có việc nào đúng, anh/chị kể rõ hơn giúp."
        return Reply(text=text, status="clarification", fields=fields, options=options)

    def _none_fits(self, found: SearchResult, talk: Talk) -> tuple[Reply, Talk]:
        nearest = [hit for hit in found.results[:3]]
        person = f"gọi {self.settings.hotline}" if self.settings.hotline else f"hỏi {self.settings.office}"
        text = (
            "Tôi chưa tìm thấy thủ tục nào khớp với câu hỏi này, nên không dám trả lời bừa. "
            f"Anh/chị có thể nói rõ việc cần làm, {person}, hoặc tra trên Cổng Dịch vụ công quốc gia {self.settings.portal_url}."
        )
        if not nearest:
            return Reply(text=text, status="no_such_procedure"), replace(talk, options=[])
        codes, labels = [hit.code for hit in nearest], [hit.title for hit in nearest]
        offered = self._options_reply("Những việc gần nhất mà tôi có:", codes, labels, [])
        reply = Reply(text=f"{text}\n{offered.text}", status="no_such_procedure", options=offered.options)
        return reply, replace(talk, options=codes)

    def _gone(self, code: str) -> Reply:
        return Reply(text=f"Thủ tục mã {code} không còn trong danh mục đang dùng.", status="no_such_procedure")

    # -- moving about in the talk ----------------------------------------------------------

    def _more(self, talk: Talk) -> tuple[Reply, Talk]:
        if not talk.procedure_code:
            return self._follow_up(Message(""), talk)
        return self._tell(talk.procedure_code, talk.fields, talk, talk.page + 1)

    def _go_back(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        """Back to the procedure that the message names, else to the one before."""
        if not talk.earlier:
            text = "Chưa có thủ tục nào trước đó để quay lại. Anh/chị cần hỏi việc gì ạ?"
            return Reply(text=text, status="clarification"), talk
        named = content_words(strip_fields(normalize(message.text)))
        found = self.engine.likeliest(" ".join(named), talk.earlier) if named else None
        code = found[0] if found and found[1] >= _GUESS else talk.earlier[0]
        return self._tell(code, message.asked or talk.fields, talk)

    def _correct(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        """"À không, ý em là khai tử": what follows is a new question with the fields asked before."""
        rest = _CORRECTION.sub(" ", message.text).strip(" ,.;:!")
        before = replace(talk, procedure_code=None, earlier=_before(talk, None), options=[])
        fields = message.asked or talk.fields
        if not content_words(strip_fields(normalize(rest))):
            text = "Xin lỗi anh/chị, tôi hiểu chưa đúng. Anh/chị nói lại giúp việc cần làm ạ?"
            return Reply(text=text, status="clarification"), replace(before, fields=fields, options=[])
        return self._ask(Message(rest, "ask_overview", fields), before)

    def _yes_or_no(self, message: Message, talk: Talk) -> tuple[Reply, Talk]:
        if message.intent == "affirm" and talk.options:
            return self._offer("Anh/chị chọn giúp một việc trong danh sách:", talk.options, talk)
        if message.intent == "deny" and talk.options:
            text = "Dạ, vậy anh/chị kể rõ hơn giúp việc cần làm: ai làm, làm mới hay làm lại, ở đâu ạ?"
            return Reply(text=text, status="clarification"), replace(talk, options=[])
        text = "Dạ vâng. Anh/chị cần biết thêm điều gì về giấy tờ, lệ phí, thời hạn hay nơi nộp không ạ?"
        return Reply(text=text, status="small_talk", procedure_code=talk.procedure_code), talk

    def _chosen(self, message: Message, talk: Talk) -> str | None:
        """The offered option that the message picks by number, ordinal or name."""
        if not talk.options:
            return None
        folded = fold(normalize(message.text)).strip(" .,!?")
        number = _ordinal(folded)
        if number is None and message.intent == "choose_option":
            number = message.ordinal
        if number is not None:
            position = number if number < 0 else number - 1
            return talk.options[position] if -len(talk.options) <= position < len(talk.options) else None
        if place := self._chosen_by_place(message.text, talk):
            return place
        if not content_words(folded):
            return None
        found = self.engine.search(message.text, k=1).results
        return found[0].code if found and found[0].code in talk.options else None

    def _chosen_by_place(self, text: str, talk: Talk) -> str | None:
        """The record of the province that a message names, and nothing else: an offered one, else that province's own."""
        cards = self._offered(talk)
        if not any(card.province for card in cards):
            return None
        named = provinces_in(text, awaited=True)
        if not named or content_words(strip_fields(normalize(without_places(text, awaited=True)))):
            return self._elsewhere(talk) if _ANYWHERE.search(fold(normalize(text))) else None
        own = [card.code for card in cards if present_province(card.province) in named]
        if own or len({essence(card) for card in cards}) > 1:
            return own[0] if len(own) == 1 else None
        published = self.engine.in_province(cards[0].code, named)
        return published or (self._elsewhere(talk) if len(named) == 1 else None)

    def _elsewhere(self, talk: Talk) -> str | None:
        """The offered record for the whole country, beside those of provinces."""
        cards = self._offered(talk)
        national = [card.code for card in cards if not card.province]
        return national[0] if len(national) == 1 and len(cards) > 1 else None

    def _offered(self, talk: Talk) -> list[Card]:
        return [card for card in map(self.engine.card, talk.options) if card]


def _before(talk: Talk, code: str | None) -> list[str]:
    """The procedures talked about before ``code``."""
    seen = [talk.procedure_code, *talk.earlier] if talk.procedure_code else talk.earlier
    return [c for c in dict.fromkeys(seen) if c and c != code][:_REMEMBERED]


_ANYWHERE = re.compile(r"^(?:\w+ ){0,3}?(?:ca nuoc|(?:noi|cho|tinh) khac)\b")
_LOOKS_BACK = re.compile(r"\b(?:quay lai|tro lai|(?:luc|hoi|ban) nay)\b")
_CORRECTION = re.compile("|".join(_WORDS["correction"]), re.IGNORECASE)
_NUMBER = re.compile(r"^(?:(?:chon |so |cai so |cai thu |y so |y |cai |lua chon |muc |thu |dap an |phuong an )*)(\d)(?: (?:a|nhe|di|nha|em|ban))*$")


def _ordinal(folded: str) -> int | None:
    match = _NUMBER.match(folded)
    if match:
        return int(match.group(1)) or None
    for number, patterns in _WORDS["ordinals"].items():
        if any(re.fullmatch(pattern, folded) for pattern in patterns):
            return int(number)
    return None
