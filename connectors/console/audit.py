"""``/console/audit``: who of the staff did what, for supervisors and admins."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from actions.audit import Audit, AuditEntry
from connectors.console import navigation
from connectors.console.pages import page
from connectors.staff.access import Member, Role, signed_in

router = APIRouter(prefix="/console/audit", include_in_schema=False)
navigation.add(
    "/console/audit", "Nhật ký tra cứu", "Ai đã đăng nhập, tra hồ sơ, xem số điện thoại.", Role.SUPERVISOR, order=90
)

_SHOWN = 200
_VIETNAM_H = 7
_WHAT = {
    "sign_in": "Đăng nhập",
    "sign_in_oidc": "Đăng nhập bằng tài khoản cơ quan",
    "sign_in_failed": "Đăng nhập không thành công",
    "sign_out": "Đăng xuất",
    "password_changed": "Đổi mật khẩu",
    "account_added": "Thêm tài khoản",
    "role_changed": "Đổi vai trò",
    "disabled": "Khoá tài khoản",
    "enabled": "Mở tài khoản",
    "dossier_lookup": "Tra hồ sơ không cần 4 số cuối",
    "number_shown": "Xem số điện thoại người gọi",
    "contact_shown": "Xem số liên hệ người dân để lại",
    "conversation_claimed": "Nhận trả lời cuộc trò chuyện",
}


@router.get("")
async def show(
    request: Request,
    _member: Annotated[Member, Depends(signed_in(Role.SUPERVISOR))],
    who: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The newest entries, of one account where it is named."""
    audit: Audit = request.app.state.staff.audit
    name = who.strip() if who.isprintable() else ""
    entries = await asyncio.to_thread(lambda: audit.entries(who=name or None, limit=_SHOWN))
    return page(request, "audit.html", entries=[_shown(entry) for entry in entries], who=name, most=_SHOWN)


def _shown(entry: AuditEntry) -> dict[str, str]:
    what, _, more = entry.what.partition(":")
    at = entry.at + dt.timedelta(hours=_VIETNAM_H)
    return {
        "at": f"{at:%d/%m/%Y %H:%M:%S}",
        "who": entry.who,
        "what": _WHAT.get(what, what) + (f" ({more})" if more else ""),
        "about": entry.about or "",
        "mark": (entry.code_hash or "")[:8],
    }
