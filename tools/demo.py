"""`make demo`: an installation to try out, with Zalo and Telegram emulated; type in this terminal as a citizen.

Everything stays on this machine. The dossiers are made up, and so are Zalo and Telegram.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from actions.secret_key import installation_key
from connectors import bot_process
from connectors.running import free_port
from connectors.staff.accounts import Accounts
from connectors.staff.roles import Role
from connectors.supervisor import Supervisor
from connectors.zalo.channel import connect as connect_zalo
from connectors.zalo.client import TokenPair
from knowledge.database import connect, migrate
from knowledge.settings import Settings
from tests.emulators import telegram, zalo

CHAT = 1001
MEMBER = "demo"
HELP = """\
  z làm giấy khai sinh cần gì   write on Zalo                 t …      write on Telegram
  z /2                          press the second button       t /2     likewise
  z /staff …                    an officer writes on Zalo     Ctrl-C   stops everything"""

out = Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    out.print(f"[demo] {line}", markup=False)


class TelegramPhone(telegram.Emulator):
    """The emulator with one citizen, whose messages are printed."""

    def _do_sendmessage(self, given: telegram.Json) -> telegram.Json:
        message = super()._do_sendmessage(given)
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        show("Telegram", message["text"], [button["text"] for row in rows for button in row])
        return message

    def press_button(self, number: int) -> None:
        """Press the n-th button, from 1, of the latest message that has some."""
        message = next(message for message in reversed(self.sent) if message.get("reply_markup"))
        self.press(CHAT, message["message_id"], number - 1)


def show(where: str, text: str, buttons: list[str]) -> None:
    """Print what a citizen hears."""
    shown = "".join(f"\n   [{number}: {label}]" for number, label in enumerate(buttons, start=1))
    out.print(f"\n[{where}] {text}{shown}\n", markup=False)


def hear_zalo(_user: str, said: zalo.Said) -> None:
    if said.by != "user":
        who = "Zalo" if said.by == "oa" else "Zalo, cán bộ"
        show(who, said.text, [button["title"] for button in said.buttons])


def obey(line: str, on_zalo: zalo.Zalo, on_telegram: TelegramPhone) -> None:
    """Do what a typed line says."""
    phone, _, text = line.strip().partition(" ")
    command = text.removeprefix("/") if text.startswith("/") else ""
    match phone, command:
        case ("z" | "t", "") if text:
            on_zalo.say(text) if phone == "z" else on_telegram.say(CHAT, text)
        case ("z", number) if number.isdigit():
            on_zalo.press(int(number))
        case ("t", number) if number.isdigit():
            on_telegram.press_button(int(number))
        case ("z", words) if words.startswith("staff "):
            on_zalo.staff(words.removeprefix("staff "))
        case _:
            print(HELP)


def listen(do: Callable[[str], None]) -> None:
    """Read what is typed, for as long as something is."""
    for line in sys.stdin:
        try:
            if line.strip():
                do(line)
        except (IndexError, StopIteration, AssertionError):
            say("there is no such button")


def new_password(settings: Settings) -> str:
    """Give the demo's member of staff a password for this run."""
    engine = connect(settings.database)
    migrate(engine)
    accounts, password = Accounts(engine), secrets.token_urlsafe(12)
    if account := accounts.get(MEMBER):
        accounts.set_password(account, password)
    else:
        accounts.add(MEMBER, Role.ADMIN, display="Cán bộ dùng thử", password=password)
    engine.dispose()
    return password


def keep_tokens(settings: Settings, emulator: zalo.Zalo) -> None:
    """Import tokens, as `motcua zalo token import` does with those of the real Zalo."""
    engine = connect(settings.database)
    channel = connect_zalo(settings, engine, installation_key(settings.home))
    assert channel is not None
    pair = emulator.pair()
    channel.tokens.put(TokenPair(pair["access_token"], pair["refresh_token"], int(pair["expires_in"])))
    engine.dispose()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("var-demo"), help="folder of the installation")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    if not is_free(chosen.port):
        parser.exit(2, f"demo: something serves port {chosen.port} already; choose another with --port\n")
    on_zalo, on_telegram = zalo.Zalo(ladder_scale=0.01), TelegramPhone()
    on_zalo.on_said = hear_zalo
    url = f"http://127.0.0.1:{chosen.port}"
    with ExitStack() as stack:
        zalo_url = stack.enter_context(zalo.running(on_zalo))
        telegram_url = stack.enter_context(telegram.running(on_telegram))
        os.environ |= {
            "MOTCUA_HOME": str(chosen.home),
            "MOTCUA_PORT": str(chosen.port),
            "MOTCUA_RASA_PORT": str(free_port()),
            "MOTCUA_ZALO_APP_ID": zalo.APP_ID,
            "MOTCUA_ZALO_APP_SECRET": zalo.APP_SECRET,
            "MOTCUA_ZALO_OA_SECRET": zalo.OA_SECRET,
            "MOTCUA_ZALO_API_URL": zalo_url,
            "MOTCUA_ZALO_OAUTH_URL": zalo_url,
            "MOTCUA_TELEGRAM_TOKEN": telegram.TOKEN,
            "MOTCUA_TELEGRAM_API_URL": telegram_url,
            "MOTCUA_TELEGRAM_WEBHOOK_URL": f"{url}/api/v1/webhooks/telegram",
        }
        settings = Settings()
        password = new_password(settings)
        keep_tokens(settings, on_zalo)

        def ready() -> None:
            on_zalo.subscribe(f"{url}/api/v1/webhooks/zalo")
            say(f"chat page       {url}/")
            say(f"office's page   {url}/widget/demo/   with the widget")
            say(f"staff console   {url}/console/   name {MEMBER}, password {password}")
            say(f"survey page     {url}/khao-sat/poll")
            say("made-up dossier H57.17.26-261119-0002, last four digits 1002")
            say("Zalo and Telegram are emulated; type here as a citizen:")
            print(HELP, flush=True)
            phones = threading.Thread(target=listen, args=[lambda line: obey(line, on_zalo, on_telegram)], daemon=True)
            phones.start()

        say("starting the app and the bot …")
        asyncio.run(Supervisor(bot_process.children(settings), say).run(ready))


if __name__ == "__main__":
    main()
