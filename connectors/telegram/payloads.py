"""Commands and deep links, and what they say to the talk.

A deep link is ``https://t.me/<bot>?start=<payload>``, as a QR code at a counter holds it; Telegram allows up to 64 of
``A-Za-z0-9_-`` in the payload. Ours are ``p_1_001193`` (the procedure 1.001193), ``d`` (look up a dossier) and
``s_service`` or ``s_poll`` (answer a survey).
"""

from __future__ import annotations

import json
import re

MAX_START = 64
DOSSIER_START = "d"

COMMANDS = {
    "start": "Bắt đầu",
    "tra_cuu": "Tra cứu hồ sơ đã nộp",
    "gop_y": "Góp ý, phản ánh",
    "help": "Tôi giúp được việc gì",
}
"""What the bot's menu shows."""

DOSSIER, FEEDBACK, SURVEY = "/dossier_status", "/give_feedback", "/start_survey"
"""What buttons say for it; see ``_BUTTON`` in ``connectors/conversation.py``."""

OPINION = "góp ý:"
GREETING, HELP = "xin chào", "hướng dẫn sử dụng"
"""What people say for it; there are no buttons for these."""

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL | re.ASCII)
_PROCEDURE = re.compile(r"p_([0-9][0-9A-Za-z_]{1,60})", re.ASCII)
_SURVEY = re.compile(r"s_(service|poll)", re.ASCII)
_CODE = re.compile(r"[0-9][0-9A-Z.]*", re.ASCII)


def command(text: str) -> tuple[str, str, str] | None:
    """The name, the bot it is for (empty: any), and the words after a command; None where a text is none."""
    found = _COMMAND.fullmatch(text.strip())
    return (found[1].lower(), (found[2] or "").lower(), (found[3] or "").strip()) if found else None


def said(name: str, words: str) -> str | None:
    """What a command of ours says to the talk, None for another's."""
    match name:
        case "start":
            return _started(words)
        case "help":
            return HELP
        case "tra_cuu":
            return words or DOSSIER
        case "gop_y":
            return f"{OPINION} {words}" if words else FEEDBACK
        case _:
            return None


def _started(payload: str) -> str:
    if procedure := _PROCEDURE.fullmatch(payload):
        return "/choose_option" + json.dumps({"choice": procedure[1].replace("_", ".").upper()})
    if survey := _SURVEY.fullmatch(payload):
        return SURVEY + json.dumps({"survey": survey[1]})
    return DOSSIER if payload == DOSSIER_START else GREETING


def procedure_start(code: str) -> str:
    """The deep link's payload for a procedure.

    Raises:
        ValueError: Telegram cannot carry this code.
    """
    payload = "p_" + code.replace(".", "_")
    if not _CODE.fullmatch(code) or len(payload) > MAX_START or not _PROCEDURE.fullmatch(payload):
        raise ValueError("this code does not fit into a link")
    return payload


def deep_link(username: str, payload: str) -> str:
    """The link that opens the bot and presses its start button with this payload."""
    return f"https://t.me/{username}?start={payload}"
