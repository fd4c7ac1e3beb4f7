"""What posters say: for a procedure, the look-up of dossiers, the surveys and the chat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode

from actions.feedback.instruments import SERVICE, Instrument
from connectors.surveys.units import link_name
from knowledge.answers import answer
from knowledge.procedure import Procedure
from knowledge.settings import Settings

STEPS = ("Mở máy ảnh hoặc Zalo", "Quét mã vuông ở trên", "Bấm đường dẫn hiện ra")
_ANY_OFFICE = Settings.model_fields["office"].default


@dataclass(frozen=True)
class Poster:
    """One poster; ``name`` is for its file.

    ``note`` stands small under the title, ``source`` at the foot. ``also`` are other ways in, ready to be printed.
    """

    name: str
    office: str
    title: str
    promise: str
    url: str
    hotline: str
    printed_on: dt.date
    note: str = ""
    source: str = ""
    also: tuple[str, ...] = ()

    @property
    def typed(self) -> str:
        """The address for who types it: without scheme, letters as they are."""
        return unquote(self.url.partition("://")[2]).rstrip("/")


@dataclass(frozen=True)
class Office:
    """What all posters of an installation share.

    Args:
        settings: the installation's settings.
        url: the public address, without a slash at its end.
        today: the day that is printed.
        telegram: the bot's public name, where there is one.
        name: the office's name in place of the settings'.
    """

    settings: Settings
    url: str
    today: dt.date
    telegram: str = ""
    name: str = ""

    def procedure(self, procedure: Procedure) -> Poster:
        official = procedure.name if procedure.title != procedure.name else ""
        sources = answer(procedure, []).sources
        return self._poster(
            procedure.code,
            procedure.title,
            "Quét mã để xem giấy tờ cần mang, lệ phí, thời hạn và nơi nộp.",
            "/?" + urlencode({"tt": procedure.code}),
            note=" · ".join(part for part in (official, f"Mã thủ tục {procedure.code}") if part),
            source=sources[0]["line"].removesuffix(f"; {sources[0].get('url')}") if sources else "",
        )

    def dossiers(self) -> Poster:
        return self._poster(
            "tra-cuu-ho-so",
            "Tra cứu hồ sơ",
            "Quét mã để biết hồ sơ đã làm đến đâu, ngày nào có kết quả.",
            "/?tra=ho-so",
            note="Cần mã hồ sơ trên giấy tiếp nhận và 4 số cuối điện thoại hoặc số định danh",
        )

    def survey(self, instrument: Instrument, unit: str = "") -> Poster:
        """``unit`` as :func:`connectors.surveys.units.unit_named` gives it."""
        in_link = {"don-vi": link_name(unit, self.settings)} if unit and unit != self.settings.commune else {}
        about_dossier = instrument.id == SERVICE
        return self._poster(
            f"khao-sat-{instrument.id}",
            "Vừa nhận kết quả hồ sơ?" if about_dossier else "Anh/chị thấy phục vụ thế nào?",
            "Quét mã để đánh giá, chừng một phút. Không hỏi tên, cán bộ không biết ai trả lời.",
            f"/khao-sat/{instrument.id}" + (f"?{urlencode(in_link, quote_via=quote)}" if in_link else ""),
            note=instrument.title,
        )

    def chat(self) -> Poster:
        return self._poster(
            "hoi-thu-tuc",
            "Hỏi thủ tục hành chính",
            "Quét mã rồi hỏi bằng lời thường, có dấu hay không dấu đều được.",
            "/",
            note="Trợ lý máy trả lời cả ngoài giờ làm việc",
        )

    def _poster(self, name: str, title: str, promise: str, path: str, *, note: str = "", source: str = "") -> Poster:
        office = self.settings.office
        return Poster(
            name=name,
            office=self.name or (self.settings.commune or "Bộ phận một cửa" if office == _ANY_OFFICE else office),
            title=title,
            promise=promise,
            url=self.url + path,
            hotline=self.settings.hotline,
            printed_on=self.today,
            note=note,
            source=source,
            also=tuple(self._also()),
        )

    def _also(self) -> Sequence[str]:
        out = []
        if self.settings.zalo_oa_id:
            out.append(f"Zalo: zalo.me/{self.settings.zalo_oa_id}")
        if self.telegram:
            out.append(f"Telegram: t.me/{self.telegram}")
        return out
