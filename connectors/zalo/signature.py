"""The signature of Zalo's webhook calls: SHA-256 over application id, raw body, time and secret, one after the other.

It is no HMAC. Which time Zalo signs is not certain: the body's ``timestamp`` or the header ``X-ZEvent-Timestamp``; and
some who write about it sign with the Official Account's id. Each variant is tried; which one fits is counted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PREFIX = "mac="
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_TIME = re.compile(r"[0-9]{1,16}")
"""Digits only: with anything else, parts of the body could be passed off as the time."""


@dataclass(frozen=True)
class Signer:
    """Who signs.

    Args:
        app_id: the application's id.
        secret: the OA Secret Key.
        oa_id: the Official Account's id, where it is known.
    """

    app_id: str
    secret: str = field(repr=False)
    oa_id: str | None = None

    def variant(self, body: bytes, header: str | None, header_time: str | None, body_time: str | None) -> str | None:
        """How a call is signed.

        Args:
            body: the raw body, not a byte changed.
            header: ``X-ZEvent-Signature``; ``mac=`` and 64 hexadecimal digits, or these alone.
            header_time: ``X-ZEvent-Timestamp``.
            body_time: the body's ``timestamp``.

        Returns:
            ``header`` or ``body``, by which time fits, with ``+oa`` where it is signed with the account's id; None
            where nothing fits. All variants are compared, in constant time.
        """
        given = (header or "").strip().removeprefix(_PREFIX)
        if not _DIGEST.fullmatch(given):
            return None
        found = None
        for name, identity, moment in self._variants(header_time, body_time):
            if hmac.compare_digest(mac(identity, body, moment, self.secret), given.lower()) and found is None:
                found = name
        return found

    def _variants(self, header_time: str | None, body_time: str | None) -> Iterator[tuple[str, str, str]]:
        for suffix, identity in (("", self.app_id), ("+oa", self.oa_id)):
            for name, moment in (("header", header_time), ("body", body_time)):
                if identity and moment and _TIME.fullmatch(moment):
                    yield name + suffix, identity, moment


def mac(identity: str, body: bytes, moment: str, secret: str) -> str:
    """The 64 hexadecimal digits that Zalo sends after ``mac=``."""
    return hashlib.sha256(identity.encode() + body + moment.encode() + secret.encode()).hexdigest()
