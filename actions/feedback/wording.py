"""What is said around surveys and petitions."""

from __future__ import annotations

from actions.feedback.petitions import LIMITS_SOURCE, Petition, State

AGAIN = "Mình tiếp tục nhé: "
BACK = "Lần trước mình còn dở mấy câu hỏi. Nếu tiện, xin anh/chị trả lời tiếp: "
OVER = "Câu hỏi này đã kết thúc. Cảm ơn anh/chị."
CLOSED = "Ý kiến này đã được ghi nhận từ trước nên tôi không thay đổi nữa. Cảm ơn anh/chị."
SCRUBBED = "Tôi đã bỏ tên, số hoặc địa chỉ trong lời anh/chị viết để giữ kín."
OPEN_WORDS = (
    "Cảm ơn anh/chị muốn góp ý. Anh/chị viết lời góp ý vào tin nhắn tiếp theo (xin đừng ghi tên, số điện thoại, số giấy tờ), "
    "hoặc chọn một mục dưới đây."
)
PRAISED = (
    "Cảm ơn anh/chị đã khen, lời này làm chúng tôi rất vui. Nếu có thêm ít phút, anh/chị trả lời giúp vài câu hỏi ngắn."
)
SORRY = (
    "Tôi rất tiếc về việc này. Anh/chị có thể gặp cán bộ, hoặc gửi phản ánh, kiến nghị để cơ quan xem xét và trả lời."
)
NOT_TAKEN = (
    "Khiếu nại, tố cáo làm theo luật riêng: phải có đơn ghi rõ người gửi, nên tôi không nhận thay được. Anh/chị nộp đơn tại "
    "{office} hoặc nơi tiếp công dân. Muốn phản ánh, kiến nghị thì anh/chị nhắn lại cho tôi."
)
ASK_NUMBER = "Anh/chị gửi giúp số hiệu phản ánh, kiến nghị, ví dụ PA-261124-7F3KQM."
NO_SUCH = "Tôi không tìm thấy phản ánh, kiến nghị số {number}. Anh/chị xem lại số hiệu giúp."
STATES = {
    State.RECEIVED: "đã tiếp nhận, đang chờ cơ quan xem",
    State.NEEDS_MORE: "cơ quan cần anh/chị bổ sung thông tin",
    State.PROCESSING: "cơ quan đang xử lý",
    State.ANSWERED: "cơ quan đã trả lời, đang chờ công khai",
    State.PUBLISHED: "cơ quan đã trả lời và công khai",
    State.REFUSED: "cơ quan từ chối tiếp nhận",
    State.PASSED_ON: "đã chuyển cho cơ quan có thẩm quyền",
}


def received(petition: Petition, *, scrubbed: bool) -> str:
    """A petition's number and the days by which the office must act."""
    limits = petition.limits
    text = (
        f"Tôi đã ghi nhận. Số hiệu: {petition.number}. Anh/chị giữ số này; muốn xem trả lời thì nhắn "
        f"“tra phản ánh {petition.number}”.\n"
        f"Thời hạn theo {LIMITS_SOURCE}: từ chối hoặc chuyển cơ quan khác chậm nhất {limits.refuse_by:%d/%m/%Y}; "
        f"yêu cầu bổ sung chậm nhất {limits.ask_more_by:%d/%m/%Y}; trả lời chậm nhất {limits.answer_by:%d/%m/%Y}; "
        "công khai trong 2 ngày làm việc sau khi có trả lời."
    )
    return f"{text}\n{SCRUBBED}" if scrubbed else text


def state_text(petition: Petition) -> str:
    """How far a petition is, for its sender; not what they wrote."""
    parts = [
        f"Phản ánh, kiến nghị số {petition.number} (nhận ngày {petition.received_at:%d/%m/%Y}): {STATES[petition.state]}."
    ]
    if note := petition.history[-1].note:
        parts.append(f"Cơ quan ghi: {note}")
    if petition.answer:
        parts.append(f"Trả lời của cơ quan: {petition.answer}")
    elif petition.due:
        parts.append(f"Hạn trả lời theo {LIMITS_SOURCE}: {petition.limits.answer_by:%d/%m/%Y}.")
    return "\n".join(parts)
