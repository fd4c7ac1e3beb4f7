"""A process that renews the tokens, and dies where it is told to: ``python -m … DATABASE HOME URL WHERE [START_AT]``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from actions.secret_key import installation_key
from connectors.zalo import channel as channels
from connectors.zalo.client import TokenPair
from knowledge.database import connect
from tests.connectors.zalo.conftest import settings_for


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(database: str, home: str, url: str, where: str, start_at: str = "0") -> None:
    channel = channels.connect(settings_for(url, Path(home)), connect(database), installation_key(Path(home)))
    assert channel is not None
    tokens = channel.tokens
    fetch, keep = tokens._renew, tokens._keep

    async def renew(refresh: str) -> TokenPair:
        if where == "claimed":
            die()
        pair = await fetch(refresh)
        if where == "answered":
            die()
        return pair

    def kept(version: int, pair: TokenPair) -> None:
        keep(version, pair)
        if where == "committed":
            die()

    tokens._renew, tokens._keep = renew, kept  # type: ignore[method-assign]
    time.sleep(max(0.0, float(start_at) - time.time()))
    refused = tokens.stored()
    assert refused is not None
    print(await tokens.replacement(refused.access))
    await channel.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
