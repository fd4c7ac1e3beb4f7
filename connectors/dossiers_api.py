"""``/api/v1/dossiers/…``: a dossier's state for who can prove the right to know, and the one-stop system's messages.

The app's state holds what these need: ``dossiers`` (:class:`actions.dossiers.routing.Dossiers`), ``tries``
(:class:`actions.dossiers.tries.Tries`), ``registry`` (:class:`actions.dossiers.registry.Registry`) and, where the
one-stop system may push, ``dossier_sync_secret`` (text) and ``dossier_sync_source`` (the sender's name for citizens).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from actions.dossiers import sync
from actions.dossiers.dossier import Dossier, Found, NotThisSystem, Proof, RateLimited, Result, State, Unavailable
from actions.dossiers.reading import VIETNAM, ReadingError, read_code
from actions.dossiers.registry import RegistryAwayError
from connectors.errors import ApiError, ErrorBody, ErrorResponse

router = APIRouter(prefix="/dossiers", tags=["dossiers"])

MAX_SYNC_BYTES = 5 * 1024 * 1024

_NOT_FOUND = (
    "Không tìm thấy hồ sơ khớp với mã và 4 số cuối đã nhập. Anh/chị xem lại mã in trên giấy tiếp nhận "
    "và 4 số cuối của số điện thoại hoặc số định danh đã ghi khi nộp hồ sơ."
)
_NOT_HERE = "Hồ sơ này không thuộc hệ thống đang kết nối ở đây. Anh/chị có thể tra cứu trên Cổng dịch vụ công quốc gia."
_AWAY = "Hệ thống một cửa chưa trả lời. Xin anh/chị thử lại sau ít phút."
_BAD_CODE = "Mã hồ sơ không đúng dạng. Mã in trên giấy tiếp nhận, ví dụ H57.17.26-261110-0001."
_NO_SYNC = "Nơi này chưa mở nhận đồng bộ hồ sơ."
_BAD_SIGNATURE = "Chữ ký của bản tin không đúng hoặc đã quá hạn."


# -- look-up ------------------------------------------------------------------------------------


class Lookup(BaseModel):
    """A dossier's code, and the last four digits of the phone or identity number on its receipt slip."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(examples=["H57.17.26-261112-0006"])
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] = Field(repr=False, examples=["1006"])
    session: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22,64}$")] | None = Field(
        None, description="The conversation, where there is one; tries are counted for it, too."
    )


Moment = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(tzinfo=VIETNAM))]
"""Dossiers have Vietnam's time without zone; on the wire it is named (``2026-11-12T10:10:00+07:00``)."""


class SupplementFound(BaseModel):
    """A request for more papers."""

    asked_at: Moment | None
    content: str
    done_at: Moment | None
    due_before: Moment | None
    due_after: Moment | None


class PaymentFound(BaseModel):
    """What is to be paid; ``amount`` in đồng."""

    amount: int | None
    content: str


class DossierFound(BaseModel):
    """A dossier without any person's data."""

    code: str
    state: State
    label: str
    procedure_code: str | None
    procedure_name: str
    agency: str
    place: str
    channel: Literal["in_person", "online", "post", ""]
    submitted_at: Moment | None
    received_at: Moment | None
    due_at: Moment | None
    new_due_at: Moment | None
    finished_at: Moment | None
    returned_at: Moment | None
    updated_at: Moment | None
    reason: str
    supplements: list[SupplementFound]
    payment: PaymentFound | None
    apology_sent: bool
    source: str
    fetched_at: Moment

    @classmethod
    def of(cls, dossier: Dossier) -> DossierFound:
        return cls.model_validate(dossier, from_attributes=True)


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The body is no JSON."},
    404: {"model": ErrorResponse, "description": "No such dossier, or the digits are not its own: which is not told."},
    422: {"model": ErrorResponse, "description": "The code has not the form of one, or the digits are not four."},
    429: {
        "model": ErrorResponse,
        "description": "Too many tries.",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
    },
    503: {"model": ErrorResponse, "description": "The system that holds the dossier does not answer."},
}


@router.post("/lookup", response_model=DossierFound, responses=_ERRORS)
async def lookup(request: Request, asked: Lookup) -> JSONResponse:
    """A dossier's state, for who knows its code and the last four digits of a number on its slip.

    An unknown code and wrong digits get the same answer. Tries are limited per code, conversation and address.
    """
    try:
        code = read_code(asked.code)
    except ReadingError:
        raise ApiError(422, "invalid_code", _BAD_CODE) from None
    state = request.app.state
    result: Result = await state.tries.guard(
        lambda: state.dossiers.lookup(code, Proof(asked.digits)),
        code=code,
        conversation=asked.session,
        address=request.client.host if request.client else None,
    )
    return _answer(result)


def _answer(result: Result) -> JSONResponse:
    match result:
        case Found(dossier):
            response = JSONResponse(DossierFound.of(dossier).model_dump(mode="json"))
            response.headers["Cache-Control"] = "no-store"
            return response
        case RateLimited(retry_after_s):
            message = f"Anh/chị đã thử nhiều lần. Xin đợi khoảng {_waiting(retry_after_s)} rồi thử lại."
            body = ErrorBody(code="too_many_tries", message=message)
            content = ErrorResponse(error=body).model_dump()
            return JSONResponse(content, status_code=429, headers={"Retry-After": str(max(1, retry_after_s))})
        case NotThisSystem():
            raise ApiError(404, "dossier_not_this_system", _NOT_HERE)
        case Unavailable():
            raise ApiError(503, "dossier_unavailable", _AWAY)
        case _:
            raise ApiError(404, "dossier_not_found_or_mismatch", _NOT_FOUND)


def _waiting(seconds: int) -> str:
    minutes = max(1, -(-seconds // 60))
    return f"{minutes} phút" if minutes <= 90 else f"{-(-minutes // 60)} giờ"


# -- sync ---------------------------------------------------------------------------------------

_SYNC_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The body is no JSON."},
    403: {"model": ErrorResponse, "description": "No secret is set here, or the signature is wrong or too old."},
    413: {"model": ErrorResponse, "description": "The body is too large."},
    422: {"model": ErrorResponse, "description": "The body is no message of the protocol."},
    503: {"model": ErrorResponse, "description": "The registry cannot be written."},
}
_SYNC_BODY = {
    "required": True,
    "content": {"application/json": {"schema": sync.SyncMessage.model_json_schema()}},
}


@router.post("/sync", responses=_SYNC_ERRORS, openapi_extra={"requestBody": _SYNC_BODY})
async def receive(
    request: Request,
    timestamp: Annotated[
        str | None, Header(alias="X-Motcua-Timestamp", description="Seconds since 1970; at most 5 minutes off.")
    ] = None,
    signature: Annotated[
        str | None,
        Header(
            alias="X-Motcua-Signature",
            description="HMAC-SHA256 with the shared secret over timestamp, a full stop and the raw body; hexadecimal.",
        ),
    ] = None,
) -> sync.SyncReply:
    """Take messages of the national sync protocol: ``DongBoHoSoMC``, ``CapNhatTienDoHoSoMC``, ``DongBoTrangThaiHoSo``.

    May be repeated: the same message leaves the same state, and an old one overwrites nothing newer. Persons' data in
    it are not kept. Items that cannot be read are named in the reply; the others are stored.
    """
    secret = getattr(request.app.state, "dossier_sync_secret", None)
    if not secret:
        raise ApiError(403, "sync_disabled", _NO_SYNC)
    body = await _body(request)
    if not sync.is_signed(secret.encode(), timestamp or "", signature or "", body):
        raise ApiError(403, "bad_signature", _BAD_SIGNATURE)
    message = _message(body)
    source = getattr(request.app.state, "dossier_sync_source", None)
    try:
        return await asyncio.to_thread(sync.apply, request.app.state.registry, message, source)
    except RegistryAwayError:
        raise ApiError(503, "registry_unavailable", "Sổ hồ sơ chưa ghi được, xin gửi lại sau.") from None


async def _body(request: Request) -> bytes:
    """The raw body, up to the limit; a larger one is refused while it comes in."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_SYNC_BYTES:
            raise ApiError(413, "too_large", "Bản tin quá lớn, xin chia nhỏ.")
    return bytes(body)


def _message(body: bytes) -> sync.SyncMessage:
    try:
        return sync.SyncMessage.model_validate(json.loads(body))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from None
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_request", "Bản tin không phải là JSON.") from None
