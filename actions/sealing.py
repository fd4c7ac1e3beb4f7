"""Encryption of what people write while it waits in the database, so that a copy of the database alone shows nothing."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken

from actions.dossiers.keys import purpose_key


class SealBrokenError(ValueError):
    """Something was sealed with another key, or is damaged."""


class Sealer:
    """Seals texts for one purpose.

    Args:
        key: the installation's secret key; processes that share it open each other's seals.
        purpose: what is sealed; another purpose's seals cannot be opened.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(purpose_key(key, purpose)))

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode(errors="surrogatepass")).decode()

    def open(self, sealed: str) -> str:
        """
        Raises:
            SealBrokenError: the text was sealed with another key, or is damaged.
        """
        try:
            return self._fernet.decrypt(sealed).decode(errors="surrogatepass")
        except InvalidToken:
            raise SealBrokenError("sealed with another key, or damaged") from None
