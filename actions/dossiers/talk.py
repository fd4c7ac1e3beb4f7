"""What the assistant says about dossiers: asking for code and digits, telling the state, helping with a wrong code."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence

from actions.dossiers.asking import Asked
from actions.dossiers.changes import Seen
from actions.dossiers.codes import Flaw, Kind, date_of
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    Proof,
    RateLimited,
    Result,
    State,
    Unavailable,
)
from actions.dossiers.explanation import Contact, Explanation, explain
from actions.dossiers.reading import vietnam_now
from actions.dossiers.routing import Dossiers
from actions.dossiers.tries import Tries
from actions.dossiers.vault import Vault
from actions.dossiers.watching import Subscribed, Watches, consent_text
from actions.replies import Reply, ReplyOption
from knowledge.catalogue import Catalogue
from knowledge.procedure import TimeStatus, TimeUnit
from knowledge.settings import Settings

_ENDED = (State.RETURNED, State.WITHDRAWN, State.NOT_ACCEPTED)
_UNITS = {TimeUnit.WORKING_DAY: "ngày làm việc", TimeUnit.DAY: "ngày"}
_EXAMPLE = "H57.17.26-261110-0001"

_ASK_CODE = (
    "Anh/chị gửi giúp mã hồ sơ. Mã in ở góc trên giấy tiếp nhận hồ sơ và hẹn trả kết quả, ví dụ "
    f"{_EXAMPLE}. Không tra nữa thì nhắn “thôi”."
)
_ASK_PROOF = (
    "Để giữ kín hồ sơ, anh/chị cho biết thêm 4 số cuối của số điện thoại hoặc số căn cước đã ghi khi nộp hồ sơ {code}. "
    "Tôi chỉ dùng 4 số này để đối chiếu, không lưu lại. Không tra nữa thì nhắn “thôi”."
)
_NEUTRAL = (
    "Tôi không tìm thấy hồ sơ nào khớp với cả mã {code} và 4 số cuối vừa nhập. Anh/chị xem lại mã in trên giấy tiếp nhận "
    "và 4 số cuối của số điện thoại hoặc số căn cước đã ghi khi nộp, rồi gửi lại 4 số cuối (hoặc mã khác)."
)
_FLAWS = {
    Flaw.IMPOSSIBLE_DATE: "Phần ngày trong mã “{original}” không phải ngày có thật (6 số giữa là năm, tháng, ngày nhận).",
    Flaw.NO_AGENCY: "“{original}” thiếu phần mã cơ quan, phần này có chữ H hoặc G và 2 số, ví dụ H57.",
    Flaw.INCOMPLETE: "Mã “{original}” còn thiếu số thứ tự ở cuối.",
    Flaw.SPELT_OUT: "Tôi chưa đọc được mã viết bằng chữ. Anh/chị gõ giúp bằng số và chữ cái như trên giấy.",
}
_OTHERS = {
    Kind.RESULT: "Số anh/chị gửi là số của kết quả, chưa phải mã hồ sơ.",
    Kind.PAYMENT: "Số anh/chị gửi là mã thanh toán, chưa phải mã hồ sơ.",
    Kind.INSURANCE_FILE: "Số anh/chị gửi là số hồ sơ của cơ quan bảo hiểm xã hội, không tra được ở đây.",
    Kind.PORTAL_ID: "Số anh/chị gửi là số nội bộ của cổng, chưa phải mã hồ sơ.",
}
_SEE_SLIP = f"Mã đúng in ở góc trên giấy tiếp nhận, ví dụ {_EXAMPLE}."


_FIRST_LOOK_UP = f"Anh/chị cho tra hồ sơ trước đã: gửi giúp mã hồ sơ (in trên giấy tiếp nhận, ví dụ {_EXAMPLE})."
_STOP = "Muốn dừng, anh/chị nhắn “thôi đừng báo nữa”."
_SUBSCRIBED = {
    Subscribed.YES: f"Dạ, khi hồ sơ có thay đổi tôi sẽ nhắn anh/chị ở đây. {_STOP}",
    Subscribed.RENEWED: f"Dạ, tôi vẫn đang theo dõi hồ sơ này và sẽ nhắn khi có thay đổi. {_STOP}",
    Subscribed.FULL: f"Anh/chị đang nhận tin về nhiều hồ sơ rồi, tôi chưa thêm được nữa. {_STOP}",
    Subscribed.OVER: "Hồ sơ này đã kết thúc nên không còn thay đổi để báo.",
}


_WHERE = {"web": " Trên trang chat này, tin hiện ra khi anh/chị mở lại trang này trên cùng máy."}
"""Where news appears on channels that cannot be written to on their own."""


class DossierTalk:
    """Answers about dossiers; holds no state of a conversation."""

    def __init__(
        self,
        dossiers: Dossiers,
        tries: Tries,
        vault: Vault,
        watches: Watches,
        catalogue: Catalogue,
        settings: Settings,
    ) -> None:
        self.vault = vault
        self._dossiers, self._tries, self._watches = dossiers, tries, watches
        self._catalogue, self._settings = catalogue, settings

    # -- asking -------------------------------------------------------------------------------

    def ask_code(self) -> Reply:
        return Reply(text=_ASK_CODE, status="clarification")

    async def ask_proof(self, conversation: str, code: str) -> Reply:
        await self.vault.expect(conversation)
        return Reply(text=_ASK_PROOF.format(code=code), status="clarification")

    def help(self) -> Reply:
        """For who was asked for a code or digits and sent something else."""
        text = (
            f"Tôi đang chờ mã hồ sơ để tra giúp. {_SEE_SLIP} Nếu không còn giấy, anh/chị hỏi {self._person()}. "
            "Không tra nữa thì nhắn “thôi”, rồi hỏi việc khác."
        )
        return Reply(text=text, status="clarification")

    def cancelled(self) -> Reply:
        return Reply(text="Dạ, tôi dừng việc tra hồ sơ. Anh/chị cần hỏi việc gì khác không ạ?", status="small_talk")

    def misread(self, asked: Asked) -> Reply | None:
        """What to say to a message with something like a code in it; None where there is nothing like one."""
        found = [one for one in asked.reading.suggestions if _may_exist(one.proposed)]
        if found:
            options = [code_option(suggestion.proposed) for suggestion in found]
            text = f"Mã “{found[0].original}” có vẻ gõ nhầm. Có phải anh/chị muốn tra mã sau không?"
            return _listed(text, options)
        if asked.flaw:
            problem = asked.reading.problems[0]
            said = _FLAWS[asked.flaw].format(original=problem.original)
            return Reply(text=f"{said} {_SEE_SLIP}", status="clarification")
        for other in asked.reading.other:
            if other.kind in _OTHERS:
                return Reply(text=f"{_OTHERS[other.kind]} {_SEE_SLIP}", status="clarification")
        return None

    def several(self, codes: Sequence[str]) -> Reply:
        question = "Tôi tra lần lượt từng hồ sơ. Anh/chị muốn xem hồ sơ nào trước?"
        return _listed(question, [code_option(code) for code in codes[:5]])

    # -- telling ------------------------------------------------------------------------------

    async def tell(self, code: str, conversation: str, *, proved: bool) -> tuple[Reply, Dossier | None]:
        """Look a dossier up and explain it.

        Args:
            code: normalised.
            conversation: whose proof waits in the vault, and whose tries are counted.
            proved: whether this conversation has already proved the right to know this dossier.
        """
        kept = await self.vault.take(conversation)
        if kept is None and not proved:
            return await self.ask_proof(conversation, code), None
        proof = Proof(kept.digits) if kept else None
        result = await self._tries.guard(
            lambda: self._dossiers.lookup(code, proof),
            code=code,
            conversation=conversation,
            address=kept.address if kept else None,
        )
        if isinstance(result, NotFoundOrMismatch):
            await self.vault.expect(conversation)
        dossier = result.dossier if isinstance(result, Found) else None
        return self._reply(code, result), dossier

    async def for_staff(self, code: str) -> Reply:
        """What a dossier's state is, for staff, whose right to know is the account's: the caller keeps the audit.

        Args:
            code: a normalised dossier code.
        """
        return self._reply(code, await self._dossiers.lookup(code, None))

    # -- news ---------------------------------------------------------------------------------

    def offer_news(self, code: str | None, *, proved: bool) -> Reply:
        """What must be agreed to before changes are told."""
        if not code or not proved:
            return Reply(text=_FIRST_LOOK_UP, status="clarification")
        options = [
            ReplyOption(label="Đồng ý", payload="/watch_consent"),
            ReplyOption(label="Không", payload="thôi"),
        ]
        return Reply(text=consent_text(code, self._settings.office), status="clarification", options=options)

    async def start_news(self, code: str, seen: Seen, channel: str, recipient: str) -> Reply:
        """Begin to tell changes, from what was told last on."""
        outcome = await asyncio.to_thread(self._watches.subscribe, code, channel, recipient, seen, vietnam_now())
        return Reply(text=f"{_SUBSCRIBED[outcome]}{_WHERE.get(channel, '')}", status="dossier_found")

    async def stop_news(self, channel: str, recipient: str) -> Reply:
        ended = await asyncio.to_thread(self._watches.unsubscribe, channel, recipient)
        text = "Tôi đã dừng báo tin và xoá đăng ký nhận tin." if ended else "Anh/chị đang không nhận tin về hồ sơ nào."
        return Reply(text=text, status="small_talk")

    def _reply(self, code: str, result: Result) -> Reply:
        match result:
            case Found(dossier):
                return self._found(dossier)
            case NotFoundOrMismatch():
                return Reply(text=_NEUTRAL.format(code=code), status="dossier_not_found_or_mismatch")
            case RateLimited(retry_after_s):
                minutes = max(1, -(-retry_after_s // 60))
                wait = f"{minutes} phút" if minutes <= 90 else f"{-(-minutes // 60)} giờ"
                text = (
                    f"Anh/chị đã thử nhiều lần. Để giữ kín hồ sơ, xin đợi khoảng {wait} rồi thử lại, "
                    f"hoặc hỏi {self._person()}."
                )
                return Reply(text=text, status="dossier_unavailable")
            case NotThisSystem():
                text = (
                    f"Hồ sơ {code} không thuộc hệ thống đang kết nối ở đây (nhiều thủ tục làm trên hệ thống của bộ). "
                    f"Anh/chị tra bằng mã này tại {self._settings.portal_url}, hoặc hỏi {self._person()}."
                )
                return Reply(text=text, status="dossier_not_this_system")
            case Unavailable():
                text = (
                    "Hệ thống một cửa chưa trả lời nên tôi chưa biết hồ sơ tới đâu, và không đoán. Anh/chị thử lại sau ít "
                    f"phút, tra tại {self._settings.portal_url}, hoặc hỏi {self._person()}."
                )
                return Reply(text=text, status="dossier_unavailable")

    def _found(self, dossier: Dossier) -> Reply:
        now = vietnam_now()
        explained = explain(dossier, now, self._usual_time(dossier.procedure_code), self._contact())
        options = []
        if dossier.state not in _ENDED:
            options.append(ReplyOption(label="Báo tôi khi có thay đổi", payload="/watch_dossier"))
        if dossier.procedure_code and self._catalogue.get(dossier.procedure_code):
            options.append(ReplyOption(label="Giấy tờ của thủ tục này", payload="/ask_documents"))
        return Reply(
            text=explained.text,
            status="dossier_found",
            procedure_code=dossier.procedure_code,
            options=options,
            card=_card(explained),
        )

    def _usual_time(self, code: str | None) -> str | None:
        """The procedure's published time, where it has just one that is a plain number of days."""
        procedure = self._catalogue.get(code) if code else None
        stated = [t for t in procedure.time_limits if t.status is TimeStatus.STATED] if procedure else []
        said = {f"{t.quantity:g} {_UNITS[t.unit]}" if t.unit in _UNITS else "" for t in stated}
        return said.pop() or None if len(said) == 1 else None

    def _contact(self) -> Contact:
        settings = self._settings
        return Contact(hotline=settings.hotline, hours=settings.dossier_collect_hours)

    def _person(self) -> str:
        hotline = self._settings.hotline
        return f"tổng đài {hotline}" if hotline else self._settings.office


def _may_exist(code: str) -> bool:
    """Whether a proposed code's day of receipt is not still to come."""
    day = date_of(code)
    return day is not None and day <= vietnam_now().date()


def code_payload(code: str, *, proof_given: bool = False) -> str:
    """What is sent to Rasa in place of a message that names a dossier code."""
    entities = {"dossier_code": code} | ({"dossier_proof": "given"} if proof_given else {})
    return "/dossier_status" + json.dumps(entities)


PROOF_PAYLOAD = '/give_proof{"dossier_proof": "given"}'
"""What is sent to Rasa in place of a message that holds the digits."""


def code_option(code: str) -> ReplyOption:
    return ReplyOption(label=code, payload=code_payload(code))


def _listed(question: str, options: list[ReplyOption]) -> Reply:
    lines = "\n".join(f"- {option.label}" for option in options)
    return Reply(text=f"{question}\n{lines}\nAnh/chị bấm chọn hoặc gõ lại mã.", status="clarification", options=options)


def _card(explained: Explanation) -> dict[str, object]:
    """The parts for channels that draw a card; the code is not repeated in it."""
    return {
        "kind": "dossier",
        "title": explained.title,
        "procedure": explained.procedure_name,
        "steps": [{"name": step.name, "state": str(step.state)} for step in explained.steps],
        "turn": str(explained.turn),
        "days_left": explained.days_left,
        "days_late": explained.days_late,
        "parts": [dataclasses.asdict(part) for part in explained.parts],
    }
