"""Talking to a running motcua from a terminal."""

from __future__ import annotations

from typing import Any

import httpx
from rich.console import Console

_QUIT = {"thoát", "thoat", "quit", "exit"}


def turn(url: str, session: str | None, text: str) -> dict[str, Any]:
    """One message and what came back, as ``motcua ask --json`` prints it."""
    with httpx.Client(base_url=url, timeout=30.0) as http:
        session = session or open_session(http)
        return _send(http, session, text)


def chat(url: str, console: Console) -> None:
    """A chat until the user types “thoát” or ends the input. A number chooses an option."""
    with httpx.Client(base_url=url, timeout=30.0) as http:
        session = open_session(http)
        console.print("Anh/chị cần hỏi việc gì ạ? (gõ “thoát” để dừng)", markup=False)
        while True:
            try:
                text = console.input("> ").strip()
            except (EOFError, KeyboardInterrupt):
                return
            if text.lower() in _QUIT:
                return
            for message in _send(http, session, text)["messages"]:
                console.print(message["text"] + "\n", markup=False)


def open_session(http: httpx.Client) -> str:
    return str(_checked(http.post("/api/v1/web/sessions"))["session"])


def _send(http: httpx.Client, session: str, text: str) -> dict[str, Any]:
    messages = _checked(http.post("/api/v1/web/messages", json={"session": session, "text": text}))["messages"]
    last = messages[-1]
    return {
        "session": session,
        "status": last["status"],
        "messages": messages,
        "procedure_code": last.get("procedure_code"),
        "fields": last.get("fields", []),
        "sources": last.get("sources", []),
    }


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.status_code >= 400:
        raise RuntimeError(f"the app answered {response.status_code}: {response.text[:200]}")
    return dict(response.json())
