"""What is said to somebody who asks for a person: now where the office is open, else when it opens."""

from __future__ import annotations

import datetime as dt

from actions.office_hours import OfficeWeek, spoken
from actions.replies import Reply
from knowledge.settings import Settings

_MEANWHILE = "Trong lúc chờ, anh/chị cứ hỏi tôi về giấy tờ, lệ phí, thời hạn."


def is_office_open(settings: Settings, now: dt.datetime) -> bool:
    """Whether a person can be expected to answer now; True where the office has named no hours."""
    return not settings.office_hours or OfficeWeek.parse(settings.office_hours).is_open(now)


def handoff_reply(settings: Settings, now: dt.datetime) -> Reply:
    """The answer to “cho tôi gặp cán bộ”.

    Outside office hours it asks for a telephone number, which the next message may hold (see
    ``connectors.handoff.Handoffs.take_contact``).

    Args:
        settings: for office, hotline and office hours.
        now: Vietnam's time, naive.
    """
    if is_office_open(settings, now):
        text = f"Tôi đã chuyển yêu cầu của anh/chị tới cán bộ. Cần gấp, xin {_person(settings)}. {_MEANWHILE}"
        return Reply(text=text, status="handoff")
    opening = OfficeWeek.parse(settings.office_hours).opens_at(now)
    when = f" Cán bộ làm việc lại lúc {spoken(opening, now)}." if opening else ""
    phone = f" Số tổng đài: {settings.hotline}." if settings.hotline else ""
    text = (
        f"Bây giờ ngoài giờ làm việc.{when}{phone} Anh/chị muốn được gọi lại thì gửi số điện thoại trong tin nhắn ngay sau đây; "
        f"chỉ cán bộ xem được số này. {_MEANWHILE}"
    )
    return Reply(text=text, status="handoff")


def _person(settings: Settings) -> str:
    return f"gọi {settings.hotline}" if settings.hotline else f"đến hoặc gọi {settings.office}"
