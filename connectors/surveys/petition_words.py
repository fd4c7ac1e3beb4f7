"""How kinds and states of petitions are called, for those who send them and those who answer."""

from __future__ import annotations

from actions.feedback.petitions import Kind, State

KINDS = {
    Kind.CONDUCT: "Phản ánh thái độ, hành vi của cán bộ",
    Kind.DIFFICULTY: "Phản ánh khó khăn, vướng mắc khi làm thủ tục",
    Kind.PROPOSAL: "Kiến nghị, đề xuất cách làm tốt hơn",
}
STATES = {
    State.RECEIVED: "Mới tiếp nhận",
    State.NEEDS_MORE: "Chờ người gửi bổ sung",
    State.PROCESSING: "Đang xử lý",
    State.ANSWERED: "Đã trả lời",
    State.PUBLISHED: "Đã trả lời và công khai",
    State.REFUSED: "Không tiếp nhận",
    State.PASSED_ON: "Đã chuyển cơ quan có thẩm quyền",
}
