"""The model of a mapping file: how to ask a JSON API about a dossier, and where its answer holds what.

The format is explained with an example in ``docs/dossier-mapping.md``.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from actions.dossiers.adapters.config import Headers, Secret, Strict, SystemConfig, Url
from actions.dossiers.dossier import State


def _compiled(expression: Any) -> Any:
    try:
        return jmespath.compile(str(expression))
    except JMESPathError:
        raise ValueError(f"{expression!r} is not a JMESPath expression") from None


Expression = Annotated[ParsedResult, BeforeValidator(_compiled)]

Channel = Literal["in_person", "online", "post"]

PLACEHOLDER = re.compile(r"\{(\w*)\}")


def placeholders(template: Any) -> set[str]:
    """Names in braces, anywhere in a template."""
    if isinstance(template, str):
        return set(PLACEHOLDER.findall(template))
    children = template.values() if isinstance(template, dict) else template if isinstance(template, list) else ()
    return set().union(*map(placeholders, children))


class Request(Strict):
    """What is sent. ``{code}``, ``{proof}`` and ``{secret}`` are filled in; the last two never into an address."""

    url: Url
    method: Literal["GET", "POST"] = "GET"
    headers: Headers = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None

    @model_validator(mode="after")
    def _templates(self) -> Request:
        body = [self.json_body, self.form]
        if self.json_body is not None and self.form is not None:
            raise ValueError("json and form exclude each other")
        if self.method == "GET" and any(part is not None for part in body):
            raise ValueError("a GET request has no json or form; use query, or method: POST")
        unknown = placeholders([self.url, self.query, self.headers, *body]) - {"code", "proof", "secret"}
        if unknown:
            raise ValueError(f"{{{min(unknown)}}} is not known; there are {{code}}, {{proof}} and {{secret}}")
        if placeholders([self.url, self.query]) & {"proof", "secret"}:
            raise ValueError("{proof} and {secret} may not stand in url or query: addresses end up in logs")
        if placeholders(self.headers):
            raise ValueError("headers are sent as they are; put {code} and {proof} into json, form, url or query")
        if "code" not in placeholders([self.url, self.query, *body]):
            raise ValueError("{code} is sent nowhere")
        return self


class Bearer(Strict):
    kind: Literal["bearer"]
    token_env: Secret


class Header(Strict):
    kind: Literal["header"]
    header: str = Field(pattern=r"^[A-Za-z0-9-]{1,60}$")
    value_env: Secret


class Basic(Strict):
    kind: Literal["basic"]
    user_env: Secret
    password_env: Secret


class Body(Strict):
    """The secret goes into json or form, where ``{secret}`` stands."""

    kind: Literal["body"]
    value_env: Secret


class ClientCredentials(Strict):
    """A bearer token that is fetched, kept and renewed."""

    kind: Literal["client-credentials"]
    token_url: Url
    client_id_env: Secret
    client_secret_env: Secret
    scope: str = ""


Auth = Annotated[Bearer | Header | Basic | Body | ClientCredentials, Field(discriminator="kind")]


class NotFound(Strict):
    """How the API says that it has no such dossier; an empty list always does."""

    status: tuple[int, ...] = ()
    when: Expression | None = None
    empty: bool = False  # nothing at the place of the dossier


class Fields(Strict):
    """Where the dossier's fields are, as JMESPath within the dossier."""

    code: Expression
    state: Expression | None = None
    label: Expression | None = None
    procedure_code: Expression | None = None
    procedure_name: Expression | None = None
    agency: Expression | None = None
    place: Expression | None = None
    channel: Expression | None = None
    submitted_at: Expression | None = None
    received_at: Expression | None = None
    due_at: Expression | None = None
    finished_at: Expression | None = None
    returned_at: Expression | None = None
    updated_at: Expression | None = None
    new_due_at: Expression | None = None
    reason: Expression | None = None
    apology_sent: Expression | None = None

    @model_validator(mode="after")
    def _some_state(self) -> Fields:
        if self.state is None and self.label is None:
            raise ValueError("state or label is missing")
        return self


class Supplements(Strict):
    """The list of requests for more papers, and the fields in each."""

    items: Expression
    content: Expression
    asked_at: Expression | None = None
    done_at: Expression | None = None
    due_before: Expression | None = None
    due_after: Expression | None = None


class PaymentFields(Strict):
    amount: Expression | None = None
    content: Expression | None = None


def _date_format(name: str) -> str:
    if name in ("iso", "national", "epoch-s", "epoch-ms"):
        return name
    if "%" not in name:
        raise ValueError(f"{name!r} is neither iso, national, epoch-s, epoch-ms nor a strptime format")
    try:
        dt.datetime.strptime(dt.datetime(2026, 10, 13).strftime(name), name)
    except ValueError:
        raise ValueError(f"{name!r} is not a strptime format") from None
    return name


class Dates(Strict):
    """Formats, tried in turn. A due date without an hour ends at ``end_of_day``."""

    formats: tuple[Annotated[str, AfterValidator(_date_format)], ...] = Field(default=("iso",), min_length=1)
    end_of_day: dt.time = dt.time(17)


class ProofRule(Strict):
    """Who compares the digits: the API (``send``), or we with the numbers at these places in the dossier."""

    send: bool = False
    compare: tuple[Expression, ...] = ()


def _text_keys(value: Any) -> Any:
    """``1:`` in YAML is a number, and means the text that the API sends."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


class Mapping(SystemConfig):
    """A JSON API that is asked for one dossier."""

    protocol: Literal["mapped"] = "mapped"
    request: Request
    auth: Auth | None = None
    not_found: NotFound = Field(default_factory=NotFound)
    ok: Expression | None = None  # false or nothing: the answer is of no use
    dossier: Expression = Field(default="@", validate_default=True)  # the dossier, or a list that it is picked from
    fields: Fields
    supplements: Supplements | None = None
    payment: PaymentFields | None = None
    dates: Dates = Field(default_factory=Dates)
    states: Annotated[dict[str, State], BeforeValidator(_text_keys)] = Field(default_factory=dict)
    channels: Annotated[dict[str, Channel], BeforeValidator(_text_keys)] = Field(default_factory=dict)
    proof: ProofRule

    def urls(self) -> tuple[str, ...]:
        token = (self.auth.token_url,) if isinstance(self.auth, ClientCredentials) else ()
        return (self.request.url, *token)

    @model_validator(mode="after")
    def _secrets_and_proof(self) -> Mapping:
        body = placeholders([self.request.json_body, self.request.form])
        if self.proof.send != ("proof" in body):
            raise ValueError("proof.send: true and {proof} in json or form belong together")
        if not self.proof.send and not self.proof.compare:
            raise ValueError("proof: needs send: true, or compare with at least one place")
        if ("secret" in body) != isinstance(self.auth, Body):
            raise ValueError("auth.kind: body and {secret} in json or form belong together")
        return self
