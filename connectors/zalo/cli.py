"""``motcua zalo …``: consent and tokens of the Official Account, and how its webhook is doing. Prints no secret."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import vietnam_now
from actions.secret_key import KeyUnreadableError, installation_key
from connectors.zalo import consent as consents
from connectors.zalo import health
from connectors.zalo.channel import ZaloChannel, connect
from connectors.zalo.client import TokenPair
from connectors.zalo.tokens import REFRESH_LIFE, State, Stored, TokenError
from knowledge import database
from knowledge.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
token_app = typer.Typer(no_args_is_help=True, help="Access and refresh token of the Official Account.")
app.add_typer(token_app, name="token")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_DEFAULT_LIFE_S = 90_000
_LONGEST_TOKEN = 8_192

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@app.callback()
def _zalo(context: typer.Context) -> None:
    if context.obj is None:
        context.obj = Settings()


# -- tokens -------------------------------------------------------------------------------------


@token_app.command("import")
def import_(
    context: typer.Context,
    access: Annotated[
        str | None,
        typer.Option("--access", help="Access token; better on standard input, where no other user sees it."),
    ] = None,
    refresh: Annotated[str | None, typer.Option("--refresh", help="Refresh token, likewise.")] = None,
    life: Annotated[
        int, typer.Option(min=60, max=10_000_000, help="Seconds that the access token holds.")
    ] = _DEFAULT_LIFE_S,
) -> None:
    """Keep a pair of tokens, as Zalo's API Explorer shows one.

    Without options it is read from standard input: the JSON of the API Explorer, or the two tokens, one a line.
    """
    pair = _pair(access, refresh, life) if access or refresh else _read_pair(life)
    channel, engine = _open(context.obj)
    try:
        channel.tokens.put(pair)
    except SQLAlchemyError as error:
        _fail(_away(error), 1)
    finally:
        engine.dispose()
    out.print("tokens kept; the refresh token is from now on ours alone: do not use it anywhere else")


@token_app.command("status")
def token_status(context: typer.Context, as_json: Json = False) -> None:
    """Age and state of the tokens; exit code 1 where consent is needed."""
    stored = _stored(context.obj)
    report = _token_report(stored)
    if as_json:
        _print_json(report)
    else:
        out.print("\n".join(_token_lines(report)), markup=False)
    if stored is None or stored.state is State.LOST:
        raise typer.Exit(1)


@token_app.command("renew")
def renew(context: typer.Context) -> None:
    """Fetch the next pair now, to see whether that works."""
    channel, engine = _open(context.obj)
    try:
        asyncio.run(_renew(channel))
    except (TokenError, SQLAlchemyError) as error:
        _fail(str(error) if isinstance(error, TokenError) else _away(error), 1)
    finally:
        engine.dispose()
    out.print("tokens renewed")


async def _renew(channel: ZaloChannel) -> None:
    try:
        await channel.tokens.renew_now()
    finally:
        await channel.close()


@app.command()
def consent(
    context: typer.Context,
    callback: Annotated[
        str, typer.Argument(help="This installation's address https://…/api/v1/zalo/oauth/callback, as saved at Zalo.")
    ],
) -> None:
    """The link by which the account's administrator gives consent; it can be used for an hour."""
    settings: Settings = context.obj
    if not settings.zalo_app_id:
        _fail("MOTCUA_ZALO_APP_ID is not set")
    if settings.zalo_code_verifier is None:
        _fail(f"MOTCUA_ZALO_CODE_VERIFIER is not set; a fresh one: {consents.new_verifier()}")
    verifier = settings.zalo_code_verifier.get_secret_value()
    try:
        state = consents.States(installation_key(settings.home)).new()
        link = consents.link(settings.zalo_oauth_url, settings.zalo_app_id, callback, verifier, state)
        out.print(f"Code Challenge: {consents.challenge(verifier)}", markup=False)
    except (consents.VerifierError, KeyUnreadableError) as error:
        _fail(str(error))
    out.print(link, markup=False)


# -- status -------------------------------------------------------------------------------------


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Tokens, how webhook calls are signed, what was sent and what was refused."""
    settings: Settings = context.obj
    channel, engine = _open(settings)
    try:
        tokens = _token_report(channel.tokens.stored())
        counts = channel.health.read()
    except (TokenError, SQLAlchemyError) as error:
        _fail(str(error) if isinstance(error, TokenError) else _away(error), 1)
    finally:
        engine.dispose()
    variant = health.last_variant(counts)
    if as_json:
        shown = {name: {"count": count.count, "last_at": count.last_at.isoformat()} for name, count in counts.items()}
        policy = {"signature_policy": settings.zalo_signature, "last_variant": variant}
        _print_json({"tokens": tokens, **policy, "counts": shown})
        return
    lines = [*_token_lines(tokens), f"webhook signatures: {settings.zalo_signature}; last good one by {variant or '-'}"]
    lines += [f"{name:28} {count.count:8}  last {count.last_at:%Y-%m-%d %H:%M:%S}" for name, count in counts.items()]
    out.print("\n".join(lines), markup=False)


def _token_report(stored: Stored | None) -> dict[str, Any]:
    if stored is None:
        return {"state": "none"}
    age_h = (vietnam_now() - stored.obtained_at) / dt.timedelta(hours=1)
    return {
        "state": str(stored.state),
        "reason": stored.reason,
        "age_hours": round(age_h, 1),
        "access_ends_at": stored.access_ends_at.isoformat(timespec="seconds"),
        "refresh_ends_at": (stored.obtained_at + REFRESH_LIFE).isoformat(timespec="seconds"),
        "pairs_so_far": stored.version,
    }


def _token_lines(report: dict[str, Any]) -> list[str]:
    if report["state"] == "none":
        return ["tokens: none; motcua zalo token import, or motcua zalo consent"]
    lines = [f"tokens: {report['state']}" + (f" ({report['reason']})" if report["reason"] else "")]
    if report["state"] == State.LOST:
        lines.append("the administrator of the account has to give consent again: motcua zalo consent")
    lines.append(f"obtained {report['age_hours']} hours ago; access token until {report['access_ends_at']}")
    return [*lines, f"refresh token until {report['refresh_ends_at']} if it is not used"]


# -- parts --------------------------------------------------------------------------------------


def _read_pair(life: int) -> TokenPair:
    if sys.stdin.isatty():
        access, refresh = (typer.prompt(what, hide_input=True, err=True) for what in ("Access token", "Refresh token"))
        return _pair(access, refresh, life)
    given = sys.stdin.read(4 * _LONGEST_TOKEN)
    try:
        document = json.loads(given)
    except (ValueError, RecursionError):
        access, refresh, *_ = [*given.split(), "", ""]
        return _pair(access, refresh, life)
    if not isinstance(document, dict):
        _fail("standard input holds no pair of tokens")
    ends = str(document.get("expires_in", ""))
    life = int(ends) if ends.isascii() and ends.isdigit() and len(ends) < 9 else life
    return _pair(document.get("access_token"), document.get("refresh_token"), life)


def _pair(access: Any, refresh: Any, life: int) -> TokenPair:
    for token in (access, refresh):
        if not isinstance(token, str) or not 0 < len(token.strip()) <= _LONGEST_TOKEN or not token.strip().isascii():
            _fail("both an access token and a refresh token are needed")
    return TokenPair(access.strip(), refresh.strip(), life)


def _stored(settings: Settings) -> Stored | None:
    channel, engine = _open(settings)
    try:
        return channel.tokens.stored()
    except (TokenError, SQLAlchemyError) as error:
        _fail(str(error) if isinstance(error, TokenError) else _away(error), 1)
    finally:
        engine.dispose()


def _open(settings: Settings) -> tuple[ZaloChannel, Engine]:
    engine = database.connect(settings.database)
    try:
        database.migrate(engine)
        channel = connect(settings, engine, installation_key(settings.home))
    except SQLAlchemyError as error:
        _fail(_away(error), 1)
    except KeyUnreadableError as error:
        _fail(str(error), 1)
    if channel is None:
        _fail("Zalo is not set up: MOTCUA_ZALO_APP_ID and MOTCUA_ZALO_APP_SECRET (docs/zalo.md)")
    return channel, engine


def _away(error: SQLAlchemyError) -> str:
    return f"the database cannot be used ({type(error).__name__})"


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def _fail(message: str, code: int = 2) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(code)
