"""Searching in an iGate 2 system: a token for client credentials, then a search by code.

The search itself asks for no second factor and returns the applicant in full, so the digits are compared here and
everything about persons is dropped at once.
"""

from __future__ import annotations

from typing import Literal

import httpx
from pydantic import Field, model_validator

from actions.dossiers.adapters.config import Secret, SystemConfig, Url
from actions.dossiers.adapters.far_end import Limits
from actions.dossiers.adapters.mapped import MappedAdapter
from actions.dossiers.adapters.mapping import Mapping
from actions.dossiers.dossier import State

_STATES = {
    "Chờ tiếp nhận": State.REGISTERED,
    "Đã tiếp nhận": State.RECEIVED,
    "Từ chối tiếp nhận": State.NOT_ACCEPTED,
    "Yêu cầu bổ sung": State.SUPPLEMENT,
    "Yêu cầu bổ sung hồ sơ": State.SUPPLEMENT,
    "Yêu cầu thanh toán": State.PAYMENT,
    "Đã rút hồ sơ": State.WITHDRAWN,
    "Đã có kết quả": State.FINISHED,
}
"""Names besides the official ten that have one meaning only; a system's own ones go into its description."""

_FIELDS = {
    "code": "code",
    "label": "statusCurrentTask.name[0].name || statusCurrentTask.name || statusCurrentTask",
    "procedure_name": "procedure.translate[?languageId==`228`] | [0].name || procedure.translate[0].name",
    "channel": "applyMethod.name[0].name || applyMethod.name",
    "submitted_at": "appliedDate",
    "due_at": "appointmentDate",
    "finished_at": "completedDate",
}
_CHANNELS = {
    "Trực tiếp": "in_person",
    "Nộp trực tiếp": "in_person",
    "Trực tuyến": "online",
    "Nộp trực tuyến": "online",
    "Bưu chính công ích": "post",
    "Qua dịch vụ bưu chính công ích": "post",
}


class IGateConfig(SystemConfig):
    """An iGate system.

    ``search_url`` is the whole address of the dossier search, ``token_url`` that of the authorization server;
    ``numbers`` are the places (JMESPath) of the numbers that prove the right to know; ``states`` are names of states
    that only this system uses, and ``fields`` the places (JMESPath) of fields that this system has besides the usual.
    """

    protocol: Literal["igate"]
    token_url: Url
    search_url: Url
    client_id_env: Secret
    client_secret_env: Secret
    numbers: tuple[str, ...] = ("applicant.data.phoneNumber", "applicant.data.identityNumber")
    states: dict[str, State] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)

    def urls(self) -> tuple[str, ...]:
        return (self.token_url, self.search_url)

    @model_validator(mode="after")
    def _as_mapping(self) -> IGateConfig:
        _mapping(self)
        return self


class IGate(MappedAdapter):
    """One iGate system."""

    def __init__(
        self, config: IGateConfig, limits: Limits | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(_mapping(config), limits, transport)


def _mapping(config: IGateConfig) -> Mapping:
    """The system as a mapping, so that reading and proving are done in one place."""
    query = {"page": "0", "size": "10", "spec": "slice", "code": "{code}"}
    return Mapping.model_validate(
        {
            **config.model_dump(include={"name", "source", "covers", "ca_file", "plain_http"}),
            "request": {"url": config.search_url, "query": query},
            "auth": {
                "kind": "client-credentials",
                "token_url": config.token_url,
                "client_id_env": config.client_id_env,
                "client_secret_env": config.client_secret_env,
            },
            "ok": "type(content) == 'array'",
            "dossier": "content",
            "fields": _FIELDS | config.fields,
            "states": _STATES | config.states,
            "channels": _CHANNELS,
            "proof": {"compare": config.numbers},
        }
    )
