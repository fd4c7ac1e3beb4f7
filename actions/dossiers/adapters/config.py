"""What every connected system's description holds, and errors about it in one line that an operator can act on."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from actions.dossiers.adapters.coverage import Coverage


class ConfigError(ValueError):
    """A description that cannot be used; the message is one line and holds no secret."""


class Strict(BaseModel):
    """Unknown keys are errors, because a misspelt one would be ignored in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


def _from_environment(name: Any) -> Any:
    if isinstance(name, SecretStr):  # already read
        return name
    if not isinstance(name, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{2,60}", name):
        raise ValueError("must be the NAME of an environment variable, never the secret itself")
    if not os.environ.get(name):
        raise ValueError(f"the environment variable {name} is not set")
    return SecretStr(os.environ[name])


Secret = Annotated[SecretStr, BeforeValidator(_from_environment)]
"""Written as the name of an environment variable, read as its value."""


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an https:// address")
    if parts.username or parts.password:
        raise ValueError("must hold no user name or password; use auth")
    return url


Url = Annotated[str, AfterValidator(_web_address)]


_SECRET_HEADERS = re.compile(r"authorization|cookie|api[-_]?key|token|secret|password", re.IGNORECASE)


def _open_headers(headers: dict[str, str]) -> dict[str, str]:
    if any(_SECRET_HEADERS.search(name) for name in headers):
        raise ValueError("keys and tokens do not belong in the file; use auth")
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_open_headers)]


def _patterns(value: Any) -> Any:
    Coverage(value)
    return value


class SystemConfig(Strict):
    """A system that holds dossiers."""

    protocol: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    source: str = Field(min_length=3, max_length=120)  # shown to citizens
    covers: Annotated[tuple[str, ...], AfterValidator(_patterns)] = Field(min_length=1)
    ca_file: Path | None = None
    plain_http: bool = False  # only for an internal network; on this machine it is always allowed

    def urls(self) -> tuple[str, ...]:
        """Every address that is called."""
        return ()

    @model_validator(mode="after")
    def _connections(self) -> SystemConfig:
        for url in self.urls():
            if urlsplit(url).scheme == "http" and not self.plain_http and not _this_machine(url):
                raise ValueError("http:// is not encrypted: use https://, or plain_http: true in an internal network")
        if self.ca_file and not self.ca_file.is_file():
            raise ValueError(f"ca_file: there is no file {self.ca_file.name}")
        return self


Config = TypeVar("Config", bound=SystemConfig)


def _this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked(model: type[Config], raw: Any, where: str) -> Config:
    """Validate a description.

    Args:
        where: names the file in errors.

    Raises:
        ConfigError: one line, every mistake in it.
    """
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: must be a mapping of keys to values")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{where}: {'; '.join(map(_mistake, error.errors(include_input=False)))}") from None


def _mistake(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    words = {"missing": "is missing", "extra_forbidden": "is not known"}.get(error["type"])
    message = words or error["msg"].removeprefix("Value error, ").replace("\n", " ")
    return f"{place}: {message}" if place else message
