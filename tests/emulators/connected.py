"""Adapters that are connected to the emulator, from the very descriptions that ``docs/dossier-mapping.md`` shows."""

from __future__ import annotations

import re
from typing import Any

import yaml

from actions.dossiers.adapters.far_end import Limits
from actions.dossiers.adapters.remote import RemoteAdapter
from actions.dossiers.adapters.systems import make
from knowledge.settings import ROOT
from knowledge.text import fold
from tests.emulators import onestop

PROTOCOLS = ("national-sync", "igate", "mapped")

SECRETS = {
    "TRUC_TINH_SESSION": onestop.SESSION,
    "IGATE_CLIENT_ID": onestop.CLIENT_ID,
    "IGATE_CLIENT_SECRET": onestop.CLIENT_SECRET,
    "TINH_MAU_API_KEY": onestop.API_KEY,
}
"""The environment variables that the descriptions name."""


def described(protocol: str, url: str = "http://127.0.0.1:8900") -> dict[str, Any]:
    """The documented description, with the emulator's address in it."""
    page = (ROOT / "docs" / "dossier-mapping.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (found,) = [block for block in blocks if block.get("protocol", "mapped") == protocol]
    return yaml.safe_load(yaml.safe_dump(found).replace("http://127.0.0.1:8900", url))


def connected(protocol: str, url: str, limits: Limits | None = None, **changes: Any) -> RemoteAdapter:
    """An adapter to the emulator at ``url``; the secrets must be in the environment."""
    return make(described(protocol, url) | changes, f"{protocol}.yml", limits=limits)


def leaks(seen: str, *, logs: bool = False) -> list[str]:
    """What of the emulator's persons and of our secrets stands in a text, however it is written; in logs codes too."""
    words, digits = fold(seen), re.sub(r"[\s.\-+]", "", seen)
    personal = {value for dossier in onestop.DOSSIERS for value in dossier.personal if value} | {onestop.OFFICER_PHONE}
    found = [value for value in personal if fold(value) in words or (value.isdigit() and value in digits)]
    found += [secret for secret in SECRETS.values() if secret in seen and secret != onestop.CLIENT_ID]
    return found + [code for code in onestop.BY_CODE if logs and code in seen]
