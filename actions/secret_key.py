"""The installation's secret key, from which all keyed hashes are made."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

KEY_BYTES = 32
_WAIT_S = 2.0


class KeyUnreadableError(RuntimeError):
    """The installation's secret key is there but cannot be used."""


def installation_key(home: Path) -> bytes:
    """The installation's secret key (``secret.key``), made on first use; readable by its owner only.

    Two processes that start at once get the same key.

    Raises:
        KeyUnreadableError: the file holds no key.
    """
    path = home / "secret.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # whoever is first writes it
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    until = time.monotonic() + _WAIT_S  # the first may not have written yet
    while len(key := path.read_bytes()) < KEY_BYTES:
        if time.monotonic() > until:
            raise KeyUnreadableError(f"{path} holds no key of {KEY_BYTES} bytes")
        time.sleep(0.01)
    return key
