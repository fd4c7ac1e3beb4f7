"""HTTP to a system that may be slow, broken or hostile: bounded in time and size, and silent in the logs.

TLS certificates are always verified, there is no way to switch that off. Redirects, cookies and proxies from the
environment are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

MAX_BODY = 1024 * 1024
"""Bytes of an answer that are read; a dossier has a few thousand."""

_RETRY_PAUSE_S = 0.05
_PAUSE_DEFAULT_S, _PAUSE_MAX_S = 30, 300


@dataclass(frozen=True)
class Limits:
    """How long one request may take, in seconds; ``total_s`` also ends answers that drip in byte by byte."""

    connect_s: float = 1.0
    read_s: float = 3.0
    total_s: float = 3.5


class FarEndError(Exception):
    """No usable answer. ``reason`` is for operators and holds nothing that was sent or received."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FarEndBusyError(Exception):
    """The far end asks us to wait ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"busy for {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Answer:
    """What came back. The body may name persons, so it stays out of ``repr``."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.body)} bytes)"

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            FarEndError: it is something else, or nested deeper than anybody can mean.
        """
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            kind = "HTML" if self.body.lstrip()[:1] == b"<" else "unreadable text"
            raise FarEndError(f"{kind} instead of JSON") from None

    def require_success(self) -> None:
        """Raises:
        FarEndError: the status is not 2xx.
        """
        if not 200 <= self.status < 300:
            raise FarEndError(f"HTTP {self.status}")


class FarEnd:
    """One system's HTTP server.

    Args:
        limits: for each request.
        ca_file: PEM file of the authority that signed the server's certificate, for systems with their own one.
        transport: replaces the network, for tests.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._busy_until = 0.0
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(self._limits.read_s, connect=self._limits.connect_s),
            verify=ssl.create_default_context(cafile=str(ca_file)) if ca_file else True,
            # A compressed answer could unfold into more than MAX_BODY before anybody counts.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "motcua"},
            trust_env=False,
            follow_redirects=False,
            transport=transport,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; once more at once when no connection came about.

        Raises:
            FarEndError: no answer in time, none at all, or one that is too large.
            FarEndBusyError: HTTP 429 now or a moment ago.
        """
        wait_s = self._busy_until - time.monotonic()
        if wait_s > 0:
            raise FarEndBusyError(max(1, round(wait_s)))
        target = httpx.URL(url).copy_merge_params(dict(query)) if query else httpx.URL(url)
        request = {"method": method, "url": target, "headers": headers, "json": json_body, "data": form}
        with _silent_logs():
            try:
                return await self._try(request)
            except httpx.ConnectError as error:
                if _bad_certificate(error):
                    raise FarEndError("the certificate is not trusted") from None
            except httpx.ConnectTimeout:
                pass
            await asyncio.sleep(_RETRY_PAUSE_S)
            try:
                return await self._try(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise FarEndError(f"no connection ({type(error).__name__})") from None

    async def _try(self, request: dict[str, Any]) -> Answer:
        try:
            async with asyncio.timeout(self._limits.total_s), self._http.stream(**request) as response:
                if response.status_code == 429:
                    raise self._busy(response.headers.get("Retry-After", ""))
                return Answer(response.status_code, await _body(response))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except (TimeoutError, httpx.TimeoutException):
            raise FarEndError("no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise FarEndError(f"broken answer ({type(error).__name__})") from None

    def _busy(self, retry_after: str) -> FarEndBusyError:
        seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else None
        seconds = min(max(1, _PAUSE_DEFAULT_S if seconds is None else seconds), _PAUSE_MAX_S)
        self._busy_until = time.monotonic() + seconds
        return FarEndBusyError(seconds)


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FarEndError("compressed answer, though none was asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BODY:
            raise FarEndError(f"answer larger than {MAX_BODY} bytes")
    return bytes(body)


def _bad_certificate(error: BaseException | None) -> bool:
    """Whether a refused certificate is what lies under a connection error."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# httpx logs whole URLs (the dossier's code is in some) and httpcore logs the answer's headers. Both are told to be
# quiet while we talk to a far end, and only then: other parts of the app use httpx too.
_talking: ContextVar[bool] = ContextVar("talking to a far end", default=False)


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not _talking.get()


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_Quiet())


@contextlib.contextmanager
def _silent_logs() -> Iterator[None]:
    token = _talking.set(True)
    try:
        yield
    finally:
        _talking.reset(token)
