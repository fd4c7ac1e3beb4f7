"""Looking up over the national synchronisation protocol (service ``TraCuuHoSo``).

The answer holds the owner's name, numbers and addresses. The last digits of the telephone or identity number are
compared here, and nothing of a person leaves this module.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import httpx
from pydantic import Field

from actions.dossiers.adapters.config import Headers, Secret, SystemConfig, Url
from actions.dossiers.adapters.far_end import FarEndError, Limits
from actions.dossiers.adapters.proof import proves
from actions.dossiers.adapters.reading import (
    NATIONAL_STATES,
    OTHER_DOSSIER,
    STATES_BY_NAME,
    UNREADABLE,
    Reading,
    national_time,
    now,
    same_code,
)
from actions.dossiers.adapters.remote import RemoteAdapter
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    Payment,
    Proof,
    Result,
    State,
    Supplement,
    Unavailable,
)

_OK = {"0", "00"}
_CHANNELS = {"1": "in_person", "2": "online", "3": "post", "": "in_person"}  # nothing counts as 1
_REASON_STATES = {State.NOT_ACCEPTED, State.STOPPED, State.WITHDRAWN}
"""States in which ``GhiChu`` is the reason for the applicant; in others it may be an internal remark."""
_MAX_SUPPLEMENTS = 20


class NationalSyncConfig(SystemConfig):
    """A system that speaks the protocol.

    ``agency`` is our ``madonvi``; ``session_env`` names the environment variable that holds the session key;
    ``not_found_codes`` are the values of ``error_code`` by which this system says that there is no such dossier.
    """

    protocol: Literal["national-sync"]
    url: Url
    agency: str = Field(min_length=1, max_length=60)
    session_env: Secret
    headers: Headers = Field(default_factory=dict)
    not_found_codes: tuple[str, ...] = ()

    def urls(self) -> tuple[str, ...]:
        return (self.url,)


class NationalSync(RemoteAdapter):
    """One system that speaks the protocol."""

    def __init__(
        self,
        config: NationalSyncConfig,
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(config, limits, transport)
        self._config = config

    async def _lookup(self, code: str, proof: Proof | None) -> Result:
        body = {
            "session": self._config.session_env.get_secret_value(),
            "madonvi": self._config.agency,
            "service": "TraCuuHoSo",
            "mahoso": code,
        }
        answer = await self._far_end.fetch("POST", self._config.url, headers=self._config.headers, json_body=body)
        answer.require_success()
        items = self._items(answer.json())
        if not items:
            return NotFoundOrMismatch()
        raw = next((item for item in items if isinstance(item, dict) and same_code(item.get("MaHoSo"), code)), None)
        if raw is None:
            told = any(isinstance(item, dict) and item.get("MaHoSo") for item in items)
            return Unavailable(OTHER_DOSSIER if told else UNREADABLE)
        if proof is not None and not proves(proof, _numbers(raw)):
            return NotFoundOrMismatch()
        reading = Reading(raw)
        dossier = _dossier(raw, reading, code, self._source)
        self._take_notes(reading)
        return Found(dossier)

    def _items(self, envelope: Any) -> list[Any]:
        if not isinstance(envelope, dict) or "error_code" not in envelope:
            raise FarEndError("not the protocol's envelope")
        error = str(envelope["error_code"]).strip()
        if error in self._config.not_found_codes:
            return []
        if error not in _OK:
            raise FarEndError(f"error_code {error}" if re.fullmatch(r"-?\w{1,10}", error) else "an unknown error_code")
        if "result" not in envelope:
            raise FarEndError("no result in the envelope")
        result = envelope["result"]
        if isinstance(result, dict):
            return [result] if result else []
        if result is None or isinstance(result, list):
            return result or []
        raise FarEndError("the result is no list")


def _numbers(raw: dict[str, Any]) -> list[Any]:
    """The owner's telephone and identity numbers."""
    identities = raw.get("DinhDanhCHS")
    identities = identities if isinstance(identities, list) else [identities]
    return [raw.get("SoDienThoai")] + [i.get("SoDinhDanh") for i in identities if isinstance(i, dict)]


def _dossier(raw: dict[str, Any], reading: Reading, code: str, source: str) -> Dossier:
    def text(field: str) -> str:
        return reading.text(raw.get(field), field)

    def time(field: str) -> Any:
        return reading.time(raw.get(field), field, national_time)

    state, label = _state(raw.get("TrangThaiHoSo"), reading)
    return Dossier(
        code=code,
        state=state,
        label=label,
        source=source,
        fetched_at=now(),
        procedure_code=reading.procedure_code(raw.get("MaTTHC")),
        procedure_name=text("TenTTHC"),
        agency=text("DonViXuLy"),
        place=text("NoiNopHoSo"),
        channel=_CHANNELS.get(text("KenhThucHien"), ""),
        submitted_at=time("NgayNopHoSo"),
        received_at=time("NgayTiepNhan"),
        due_at=time("NgayHenTra"),
        finished_at=time("NgayKetThucXuLy"),
        returned_at=time("NgayTra"),
        reason=text("GhiChu") if state in _REASON_STATES else "",
        supplements=_supplements(raw.get("DanhSachHoSoBoSung"), reading),
        payment=_payment(raw.get("DanhSachLePhi"), reading) if state is State.PAYMENT else None,
    )


def _state(value: Any, reading: Reading) -> tuple[State, str]:
    text = reading.text(value, "TrangThaiHoSo")
    if text.isascii() and text.isdigit() and len(text) <= 3:
        known = NATIONAL_STATES.get(int(text))
        if known:
            return known
        return reading.state(value, f"mã trạng thái {text}", {})
    return reading.state(value, text, STATES_BY_NAME)


def _records(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _supplements(value: Any, reading: Reading) -> tuple[Supplement, ...]:
    def supplement(raw: dict[str, Any]) -> Supplement:
        return Supplement(
            asked_at=reading.time(raw.get("NgayBoSung"), "NgayBoSung", national_time),
            content=reading.text(raw.get("NoiDungBoSung"), "NoiDungBoSung"),
            due_before=reading.time(raw.get("NgayHenTraTruoc"), "NgayHenTraTruoc", national_time),
            due_after=reading.time(raw.get("NgayHenTraMoi"), "NgayHenTraMoi", national_time),
        )

    return tuple(map(supplement, _records(value)[:_MAX_SUPPLEMENTS]))


def _payment(value: Any, reading: Reading) -> Payment:
    """The sum of the listed fees; no amount at all when one of them cannot be read."""
    fees = _records(value)[:_MAX_SUPPLEMENTS]
    amounts = [reading.amount(fee.get("Gia"), "Gia") for fee in fees]
    known = [amount for amount in amounts if amount is not None]
    names = filter(None, (reading.text(fee.get("TenPhiLePhi"), "TenPhiLePhi") for fee in fees))
    return Payment(amount=sum(known) if fees and len(known) == len(fees) else None, content="; ".join(names))
