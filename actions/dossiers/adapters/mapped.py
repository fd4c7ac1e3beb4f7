"""Any JSON API, described by a mapping file: a province connects without code."""

from __future__ import annotations

import base64
import datetime as dt
import functools
from typing import Any
from urllib.parse import quote

import httpx
from jmespath.parser import ParsedResult

from actions.dossiers.adapters.far_end import Answer, FarEndError, Limits
from actions.dossiers.adapters.mapping import (
    PLACEHOLDER,
    Basic,
    Bearer,
    Body,
    ClientCredentials,
    Header,
    Mapping,
)
from actions.dossiers.adapters.proof import digits_of, proves
from actions.dossiers.adapters.reading import (
    OTHER_DOSSIER,
    STATES_BY_NAME,
    UNREADABLE,
    Reading,
    national_time,
    now,
    same_code,
)
from actions.dossiers.adapters.remote import RemoteAdapter
from actions.dossiers.adapters.tokens import TokenSource
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    Payment,
    Proof,
    Result,
    State,
    Supplement,
    Unavailable,
)
from knowledge.text import fold

_MAX_ITEMS, _MAX_SUPPLEMENTS = 100, 20


class MappedAdapter(RemoteAdapter):
    """One system, as its mapping describes it."""

    def __init__(
        self, config: Mapping, limits: Limits | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(config, limits, transport)
        self._mapping = config
        self._states = STATES_BY_NAME | {fold(name): state for name, state in config.states.items()}
        self._channels = {fold(name): channel for name, channel in config.channels.items()}
        self._tokens = (
            TokenSource(
                self._far_end,
                auth.token_url,
                auth.client_id_env.get_secret_value(),
                auth.client_secret_env,
                auth.scope,
            )
            if isinstance(auth := config.auth, ClientCredentials)
            else None
        )

    async def _lookup(self, code: str, proof: Proof | None) -> Result:
        digits = digits_of(proof) if proof else ""
        if digits is None:
            return NotFoundOrMismatch()
        if self._mapping.proof.send and not digits:
            return Unavailable("this system itself asks for the second factor")
        answer = await self._ask(code, digits)
        missing = self._mapping.not_found
        if answer.status in missing.status:
            return NotFoundOrMismatch()
        answer.require_success()
        body = answer.json()
        if missing.when and _value(missing.when, body):
            return NotFoundOrMismatch()
        if self._mapping.ok and not _value(self._mapping.ok, body):
            raise FarEndError("the answer does not say that all went well")
        return self._pick(_value(self._mapping.dossier, body), code, proof)

    def _pick(self, found: Any, code: str, proof: Proof | None) -> Result:
        """The dossier that was asked for, out of what the answer holds."""
        if found == [] or (not found and self._mapping.not_found.empty):
            return NotFoundOrMismatch()
        items = found[:_MAX_ITEMS] if isinstance(found, list) else [found]
        codes = [_value(self._mapping.fields.code, item) if isinstance(item, dict) else None for item in items]
        raw = next((item for item, its_code in zip(items, codes, strict=True) if same_code(its_code, code)), None)
        if raw is None:
            if not any(codes):
                return Unavailable(UNREADABLE)
            # A search may rightly list dossiers with similar codes only; a look-up of one dossier may not.
            return NotFoundOrMismatch() if isinstance(found, list) else Unavailable(OTHER_DOSSIER)
        places = self._mapping.proof.compare
        if proof is not None and places and not proves(proof, _flat(_value(place, raw) for place in places)):
            return NotFoundOrMismatch()
        reading = Reading(raw)
        dossier = self._dossier(raw, reading, code)
        self._take_notes(reading)
        return Found(dossier)

    # -- asking -------------------------------------------------------------------------------------

    async def _ask(self, code: str, digits: str) -> Answer:
        if self._tokens is None:
            return await self._send(code, digits, self._credentials())
        token = await self._tokens.get()
        answer = await self._send(code, digits, {"Authorization": f"Bearer {token}"})
        if answer.status != 401:
            return answer
        self._tokens.refuse(token)
        return await self._send(code, digits, {"Authorization": f"Bearer {await self._tokens.get()}"})

    async def _send(self, code: str, digits: str, credentials: dict[str, str]) -> Answer:
        request = self._mapping.request
        auth = self._mapping.auth
        values = {"code": code, "proof": digits}
        values["secret"] = auth.value_env.get_secret_value() if isinstance(auth, Body) else ""
        return await self._far_end.fetch(
            request.method,
            _fill(request.url, {"code": quote(code, safe="")}),
            headers=request.headers | credentials,
            query=_fill(request.query, values),
            json_body=_fill(request.json_body, values),
            form=_fill(request.form, values),
        )

    def _credentials(self) -> dict[str, str]:
        match self._mapping.auth:
            case Bearer(token_env=token):
                return {"Authorization": f"Bearer {token.get_secret_value()}"}
            case Header(header=name, value_env=value):
                return {name: value.get_secret_value()}
            case Basic(user_env=user, password_env=password):
                pair = f"{user.get_secret_value()}:{password.get_secret_value()}"
                return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return {}

    # -- reading ------------------------------------------------------------------------------------

    def _dossier(self, raw: dict[str, Any], reading: Reading, code: str) -> Dossier:
        fields = self._mapping.fields

        def at(field: str) -> Any:
            return _value(getattr(fields, field), raw)

        def text(field: str) -> str:
            return reading.text(at(field), field)

        def time(field: str) -> dt.datetime | None:
            return reading.time(at(field), field, self._time)

        def due(field: str) -> dt.datetime | None:
            return reading.time(at(field), field, self._due)

        value, label = at("state"), text("label")
        state, label = reading.state(value, label or reading.text(value, "state"), self._states)
        return Dossier(
            code=code,
            state=state,
            label=label,
            source=self._source,
            fetched_at=now(),
            procedure_code=reading.procedure_code(at("procedure_code")),
            procedure_name=text("procedure_name"),
            agency=text("agency"),
            place=text("place"),
            channel=self._channels.get(fold(text("channel")), ""),
            submitted_at=time("submitted_at"),
            received_at=time("received_at"),
            due_at=due("due_at"),
            finished_at=time("finished_at"),
            returned_at=time("returned_at"),
            updated_at=time("updated_at"),
            reason=text("reason"),
            supplements=self._supplements(raw, reading),
            payment=self._payment(raw, reading) if state is State.PAYMENT else None,
            apology_sent=at("apology_sent") is True,
            new_due_at=due("new_due_at"),
        )

    def _supplements(self, raw: dict[str, Any], reading: Reading) -> tuple[Supplement, ...]:
        places = self._mapping.supplements
        items = _value(places.items, raw) if places else None
        if places is None or not isinstance(items, list):
            return ()
        return tuple(
            Supplement(
                asked_at=reading.time(_value(places.asked_at, item), "supplements.asked_at", self._time),
                content=reading.text(_value(places.content, item), "supplements.content"),
                done_at=reading.time(_value(places.done_at, item), "supplements.done_at", self._time),
                due_before=reading.time(_value(places.due_before, item), "supplements.due_before", self._due),
                due_after=reading.time(_value(places.due_after, item), "supplements.due_after", self._due),
            )
            for item in items[:_MAX_SUPPLEMENTS]
            if isinstance(item, dict)
        )

    def _payment(self, raw: dict[str, Any], reading: Reading) -> Payment:
        places = self._mapping.payment
        if places is None:
            return Payment()
        return Payment(
            amount=reading.amount(_value(places.amount, raw), "payment.amount"),
            content=reading.text(_value(places.content, raw), "payment.content"),
        )

    def _time(self, text: str) -> dt.datetime:
        return _parsed(text, self._mapping.dates.formats)[0]

    def _due(self, text: str) -> dt.datetime:
        time, has_hour = _parsed(text, self._mapping.dates.formats)
        return time if has_hour else dt.datetime.combine(time.date(), self._mapping.dates.end_of_day)


def _value(expression: ParsedResult | None, raw: Any) -> Any:
    """What the expression finds; nothing when it does not fit the answer's types."""
    if expression is None:
        return None
    try:
        return expression.search(raw)
    except Exception:  # jmespath's functions raise errors of many types over unexpected data
        return None


def _flat(values: Any) -> list[Any]:
    """Numbers, out of values of which some are lists."""
    return functools.reduce(lambda flat, v: flat + (v if isinstance(v, list) else [v]), values, [])


def _fill(template: Any, values: dict[str, str]) -> Any:
    """The template with the named placeholders filled in; filled-in text is not looked through again."""
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group()), template)
    if isinstance(template, dict):
        return {key: _fill(value, values) for key, value in template.items()}
    return [_fill(item, values) for item in template] if isinstance(template, list) else template


def _parsed(text: str, formats: tuple[str, ...]) -> tuple[dt.datetime, bool]:
    """A time, and whether the text told the hour.

    Raises:
        ValueError, OverflowError: no format fits.
    """
    for name in formats:
        try:
            return _parsed_as(text, name)
        except (ValueError, OverflowError, OSError):
            continue
    raise ValueError


def _parsed_as(text: str, name: str) -> tuple[dt.datetime, bool]:
    if name == "iso":
        return dt.datetime.fromisoformat(text), len(text) > 10
    if name == "national":
        return national_time(text), True
    if name in ("epoch-s", "epoch-ms"):
        return dt.datetime.fromtimestamp(int(text) / (1000 if name == "epoch-ms" else 1), dt.UTC), True
    return dt.datetime.strptime(text, name), any(hour in name for hour in ("%H", "%I", "%T", "%c", "%X", "%R"))
