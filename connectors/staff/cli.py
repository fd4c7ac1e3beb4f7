"""``motcua staff …``: accounts of the people who use the console."""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from actions.audit import AuditEntry
from connectors.staff.accounts import AccountError
from connectors.staff.passwords import WeakPasswordError
from connectors.staff.roles import Role
from connectors.staff.sign_in import Staff
from connectors.staff.tables import StaffAccount
from knowledge.database import connect, migrate
from knowledge.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

CHANNEL = "cli"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Name = Annotated[str, typer.Argument(help="Name of the account.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password as one line of standard input.")]


@app.callback()
def _staff(context: typer.Context) -> None:
    if context.obj is None:
        context.obj = Settings()


@app.command()
def add(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to sign in with: a-z, 0-9, . _ @ -")],
    role: Annotated[Role, typer.Option(help="What the account may do (docs/staff.md).")],
    display: Annotated[str, typer.Option(help="Name that people read; the account's name without it.")] = "",
    oidc_subject: Annotated[
        str | None, typer.Option(help="Sign in as this subject of the OIDC provider, without a password.")
    ] = None,
    password_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Make an account; asks for the password twice."""
    with _answering():
        staff = _open(context.obj)
        password = None if oidc_subject and not password_stdin else _password(password_stdin)
        account = staff.accounts.add(name, role, display=display, password=password, oidc_subject=oidc_subject)
        _note(staff, f"account_added:{role}", account)
    _done(account, f"{account.name} added as {role}", as_json)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """All accounts."""
    with _answering():
        accounts = _open(context.obj).accounts.all()
    if as_json:
        _print_json({"accounts": [_account_dict(account) for account in accounts]})
        return
    table = Table()
    for column in ("name", "display", "role", "signs in by", "last sign-in", "disabled"):
        table.add_column(column)
    for row in map(_account_dict, accounts):
        table.add_row(
            str(row["name"]),
            str(row["display"]),
            str(row["role"]),
            str(row["signs_in_by"]),
            str(row["last_sign_in"] or "never"),
            "yes" if row["disabled"] else "",
        )
    out.print(table)


@app.command()
def disable(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Lock an account out and end its sessions."""
    _set_disabled(context.obj, name, True, as_json)


@app.command()
def enable(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a disabled account in again."""
    _set_disabled(context.obj, name, False, as_json)


@app.command()
def password(context: typer.Context, name: Name, password_stdin: FromStdin = False, as_json: Json = False) -> None:
    """Give an account a new password and end its sessions; also ends a lock-out."""
    with _answering():
        staff = _open(context.obj)
        account = _account(staff, name)
        staff.change_password(account, _password(password_stdin), _operator(), CHANNEL)
    _done(account, f"new password for {account.name}", as_json)


@app.command()
def role(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    as_json: Json = False,
) -> None:
    """Give an account another role and end its sessions."""
    with _answering():
        staff = _open(context.obj)
        account = _account(staff, name)
        staff.change_role(account, role, _operator(), CHANNEL)
        account = _account(staff, name)
    _done(account, f"{account.name} is {role} now", as_json)


@app.command()
def link(
    context: typer.Context,
    name: Name,
    subject: Annotated[str, typer.Argument(help="The provider's subject (sub); empty takes it away.")],
    as_json: Json = False,
) -> None:
    """Let an account sign in through the OIDC provider, and end its sessions."""
    with _answering():
        staff = _open(context.obj)
        account = _account(staff, name)
        staff.accounts.set_subject(account, subject)
        _note(staff, "oidc_linked" if subject else "oidc_unlinked", account)
        account = _account(staff, name)
    _done(account, f"{account.name} is {'linked' if subject else 'not linked any more'}", as_json)


@app.command()
def audit(
    context: typer.Context,
    who: Annotated[str | None, typer.Option(help="Only what this account did.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many entries at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Who of the staff did what, the newest first; times are UTC."""
    with _answering():
        entries = _open(context.obj).audit.entries(who=who, limit=limit)
    if as_json:
        _print_json({"entries": [_entry_dict(entry) for entry in entries]})
        return
    for entry in entries:
        about = f" ({entry.about})" if entry.about else ""
        out.print(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.channel:8} {entry.who}: {entry.what}{about}", markup=False)


# -- parts --------------------------------------------------------------------------------------


def _open(settings: Settings) -> Staff:
    engine = connect(settings.database)
    migrate(engine)
    return Staff(engine, settings)


@contextmanager
def _answering():  # type: ignore[no-untyped-def]
    """One line and exit code 2 for what the operator can put right."""
    try:
        yield
    except (AccountError, WeakPasswordError) as error:
        _fail(f"{'the password: ' if isinstance(error, WeakPasswordError) else ''}{error}")
    except SQLAlchemyError as error:
        _fail(f"the database does not answer: {type(error).__name__}")


def _account(staff: Staff, name: str) -> StaffAccount:
    account = staff.accounts.get(name)
    if account is None:
        _fail("there is no account of this name (motcua staff list)")
    return account


def _set_disabled(settings: Settings, name: str, disabled: bool, as_json: bool) -> None:
    with _answering():
        staff = _open(settings)
        account = _account(staff, name)
        staff.accounts.set_disabled(account, disabled)
        _note(staff, "account_disabled" if disabled else "account_enabled", account)
        account = _account(staff, name)
    _done(account, f"{account.name} {'disabled' if disabled else 'enabled'}", as_json)


def _password(from_stdin: bool) -> str:
    """Never an argument: other users of the machine could see it in the list of processes."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        _fail("no terminal to ask for the password: use --password-stdin")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        _fail("the two passwords differ")
    return first


def _operator() -> str:
    """Who sits at the machine."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a container's user may have no name
        return "cli"


def _note(staff: Staff, what: str, account: StaffAccount) -> None:
    staff.audit.record(who=_operator(), what=what, channel=CHANNEL, about=account.name)


def _done(account: StaffAccount, line: str, as_json: bool) -> None:
    if as_json:
        _print_json(_account_dict(account))
    else:
        out.print(line, markup=False)


def _account_dict(account: StaffAccount) -> dict[str, object]:
    ways = [("password", account.password_hash), ("oidc", account.oidc_subject)]
    return {
        "name": account.name,
        "display": account.display,
        "role": account.role,
        "signs_in_by": " and ".join(way for way, has in ways if has),
        "disabled": account.disabled,
        "created_at": account.created_at,
        "last_sign_in": account.last_sign_in,
    }


def _entry_dict(entry: AuditEntry) -> dict[str, object]:
    return {"at": entry.at, "who": entry.who, "what": entry.what, "about": entry.about, "channel": entry.channel}


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)
