"""One error shape for every route: ``{"error": {"code", "message", "details"}}``."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

logger = logging.getLogger(__name__)

_WORDS = {
    400: ("bad_request", "Yêu cầu không đọc được."),
    403: ("forbidden", "Không được phép."),
    404: ("not_found", "Không có nội dung này."),
    405: ("method_not_allowed", "Cách gọi này không được hỗ trợ."),
    408: ("timeout", "Yêu cầu gửi lên quá chậm."),
    413: ("too_large", "Nội dung gửi lên quá lớn."),
    429: ("too_many_requests", "Gửi nhanh quá, xin đợi rồi thử lại."),
    503: ("unavailable", "Hệ thống chưa sẵn sàng, xin thử lại sau ít phút."),
}


class ErrorBody(BaseModel):
    """``code`` is for programs, ``message`` for people, ``details`` says where."""

    code: str
    message: str
    details: list[dict[str, object]] = []


class ErrorResponse(BaseModel):
    """The body of every 4xx and 5xx answer."""

    error: ErrorBody


class ApiError(Exception):
    """An error to answer with; ``message`` is shown to people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` in the one shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def error_response(status: int) -> JSONResponse:
    """The answer for a status of HTTP, for parts that answer outside the routes."""
    return _response(status, *_WORDS[status])


def _response(status: int, code: str, message: str, details: list[dict[str, object]] | None = None) -> JSONResponse:
    body = ErrorResponse(error=ErrorBody(code=code, message=message, details=details or []))
    return JSONResponse(jsonable_encoder(body), status_code=status)


async def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return _response(error.status, error.code, error.message)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, message = _WORDS.get(error.status_code, ("error", "Yêu cầu không thực hiện được."))
    response = _response(error.status_code, code, message)
    response.headers.update(error.headers or {})
    return response


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The input itself may hold personal data, so only the place and the reason are given back.
    details = [{"where": ".".join(map(str, e["loc"])), "reason": e["msg"]} for e in error.errors()]
    return _response(422, "invalid_input", "Dữ liệu gửi lên chưa đúng.", details)


async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected error", exc_info=error)
    return _response(500, "internal_error", "Hệ thống gặp sự cố, xin thử lại sau ít phút.")
