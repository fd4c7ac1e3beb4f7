"""The model of an administrative procedure (thủ tục hành chính).

Every fact names the source it was read from (``source`` is a key of
``Procedure.sources``). A value that the source does not state is ``None`` or an
explicit "not published" state: nothing is guessed, and text that a reader could
not understand is kept in ``Procedure.notes``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

CODE_PATTERN = r"^\d{1,2}\.\d{6}(\.[A-Z0-9.]+)?$"
"""A procedure code: ``1.001193``, or with the agency's part ``1.012753.H19``."""


class Level(StrEnum):
    """Which level of government handles it; there is no district level since 1 July 2025."""

    COMMUNE = "commune"
    PROVINCE = "province"
    MINISTRY = "ministry"
    OTHER = "other"


class ChannelKind(StrEnum):
    """How a dossier can be filed (cách thức thực hiện)."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    POST = "post"


class Handling(StrEnum):
    """What the applicant does with a paper (thành phần hồ sơ)."""

    SUBMIT = "submit"
    SHOW = "show"
    NOTE = "note"


class FeeKind(StrEnum):
    """The three words of the law for what an applicant pays."""

    FEE = "fee"  # phí
    CHARGE = "charge"  # lệ phí
    PRICE = "price"  # giá dịch vụ


class FeeStatus(StrEnum):
    """What the source says about the amount."""

    AMOUNT = "amount"
    FREE = "free"
    SET_BY_PROVINCE = "set_by_province"
    BY_LAW = "by_law"  # the source points to a legal text or an attached table and states no amount
    IN_TEXT = "in_text"  # the source states it, but not as one amount in đồng: ``text`` says it
    NOT_PUBLISHED = "not_published"


class TimeUnit(StrEnum):
    """Unit of a time limit (thời hạn giải quyết)."""

    WORKING_DAY = "working_day"
    DAY = "day"
    WORKING_HOUR = "working_hour"
    HOUR = "hour"
    MINUTE = "minute"
    MONTH = "month"
    YEAR = "year"


class TimeStatus(StrEnum):
    """What the source says about the time limit."""

    STATED = "stated"
    SAME_DAY = "same_day"
    IMMEDIATE = "immediate"
    UNIT_NOT_STATED = "unit_not_stated"
    IN_TEXT = "in_text"  # the source states it in words that are no number of units: ``text`` says it
    NOT_PUBLISHED = "not_published"


def _blank_to_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


OptionalText = Annotated[str | None, BeforeValidator(_blank_to_none)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=False)


class Source(_Model):
    """Where facts were read.

    ``url`` is the page of the record, ``decision`` the number of the decision that
    published it (for example ``163/QĐ-BTP``), ``retrieved`` the day it was read.
    """

    name: str
    url: OptionalText = None
    file: OptionalText = None
    decision: OptionalText = None
    decision_date: dt.date | None = None
    issuer: OptionalText = None
    retrieved: dt.date | None = None


class Form(_Model):
    """A form to fill in; ``name`` may be only the file name the portal shows."""

    name: str
    number: OptionalText = None
    url: OptionalText = None


class DocumentRequirement(_Model):
    """One row of the papers (thành phần hồ sơ).

    ``case`` says when it is needed and is ``None`` for a paper that everybody needs.
    ``official_name`` holds the source's wording where ``name`` is a plainer one.
    ``originals`` and ``copies`` are counts of sheets (bản chính, bản sao); ``None``
    means that the source does not state the number.
    ``held_by_state``: the source says that it need not be handed in when the office
    can find the data in a shared database.
    """

    name: str
    official_name: OptionalText = None
    handling: Handling = Handling.SUBMIT
    case: OptionalText = None
    originals: int | None = Field(default=None, ge=0, le=999)
    copies: int | None = Field(default=None, ge=0, le=999)
    forms: list[Form] = []
    optional: bool = False  # the source says "nếu có"
    held_by_state: bool = False
    source: OptionalText = None


class Fee(_Model):
    """An amount to pay, or what the source says instead of one.

    ``amount`` is in đồng; ``amount_to`` the upper end of a range. ``channels`` empty
    means every channel. ``text`` is the source's wording where it says more than the
    other fields hold.
    """

    status: FeeStatus
    kind: FeeKind | None = None
    amount: int | None = Field(default=None, ge=0)
    amount_to: int | None = Field(default=None, ge=0)
    per: OptionalText = None
    name: OptionalText = None
    case: OptionalText = None
    channels: list[ChannelKind] = []
    text: OptionalText = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    source: OptionalText = None

    @model_validator(mode="after")
    def _amount_belongs_to_its_status(self) -> Fee:
        if (self.status is FeeStatus.AMOUNT) != (self.amount is not None):
            raise ValueError("amount is given exactly when status is 'amount'")
        return self


class TimeLimit(_Model):
    """How long the office may take; ``quantity`` in ``unit``s. ``channels`` empty means every channel."""

    status: TimeStatus = TimeStatus.STATED
    quantity: float | None = Field(default=None, gt=0)
    unit: TimeUnit | None = None
    case: OptionalText = None
    channels: list[ChannelKind] = []
    text: OptionalText = None
    source: OptionalText = None

    @model_validator(mode="after")
    def _quantity_belongs_to_its_status(self) -> TimeLimit:
        if self.status is TimeStatus.STATED and (self.quantity is None or self.unit is None):
            raise ValueError("a stated time limit needs a quantity and a unit")
        return self


class SubmissionChannel(_Model):
    """A way to file. ``note`` is the source's remark, such as where online filing is done."""

    kind: ChannelKind
    note: OptionalText = None
    url: OptionalText = None
    source: OptionalText = None


class LegalBasis(_Model):
    """A legal text (căn cứ pháp lý): ``number`` as in ``123/2015/NĐ-CP``."""

    number: str
    title: OptionalText = None
    source: OptionalText = None


class Note(_Model):
    """Text of the source that belongs to ``about`` and could not be read into its fields."""

    about: str  # documents, fee, time, ...
    text: str
    leftover: bool = False  # True when a reader meant to parse it and could not
    source: OptionalText = None


class Procedure(_Model):
    """An administrative procedure with all that is published about it.

    ``name`` is the official name, ``plain_name`` how people would call it.
    ``authorities`` decide, ``place`` tells where to hand in. ``phrases`` are ways in
    which people ask for it. ``province`` is set for a procedure of one province.
    ``group`` names a linked filing (liên thông) that it is part of.
    ``has_details`` is False where only the name is known.
    """

    code: str = Field(pattern=CODE_PATTERN)
    name: str = Field(min_length=3)
    plain_name: OptionalText = None
    field: OptionalText = None
    levels: list[Level] = []
    promulgator: OptionalText = None
    authorities: list[str] = []
    place: OptionalText = None
    subjects: list[str] = []
    province: OptionalText = None
    group: OptionalText = None

    channels: list[SubmissionChannel] = []
    documents: list[DocumentRequirement] = []
    sets: int | None = Field(default=None, ge=1)  # số bộ hồ sơ
    fees: list[Fee] = []
    exemptions: list[str] = []
    time_limits: list[TimeLimit] = []
    conditions: list[str] = []
    steps: list[str] = []
    results: list[str] = []
    legal_basis: list[LegalBasis] = []
    notes: list[Note] = []

    phrases: list[str] = []
    keywords: list[str] = []
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    sources: dict[str, Source] = {}
    has_details: bool = True

    @model_validator(mode="after")
    def _facts_name_known_sources(self) -> Procedure:
        facts = [*self.channels, *self.documents, *self.fees, *self.time_limits, *self.legal_basis, *self.notes]
        unknown = {fact.source for fact in facts if fact.source} - set(self.sources)
        if unknown:
            raise ValueError(f"facts name unknown sources: {', '.join(sorted(unknown))}")
        if len(self.sources) == 1:
            only = next(iter(self.sources))
            for fact in facts:
                fact.source = fact.source or only
        return self

    @property
    def cases(self) -> list[str]:
        """The cases that its papers, fees and times distinguish, in the source's order."""
        facts = [*self.documents, *self.fees, *self.time_limits]
        return list(dict.fromkeys(fact.case for fact in facts if fact.case))

    @property
    def title(self) -> str:
        """The name to show to people."""
        return self.plain_name or self.name

    def content_hash(self) -> str:
        """SHA-256 of all facts; two records with equal hashes say the same."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()
