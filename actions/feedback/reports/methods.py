"""How each figure is computed, after which source, and what is uncertain. Printed with every report."""

from __future__ import annotations

from actions.feedback.reports.document import Method

_MODEL = "Cách tính của một hệ thống một cửa đang chạy; văn bản gốc chưa đọc được toàn văn."
_PORTAL = "Số chính thức do Cổng Dịch vụ công quốc gia công bố; số ở đây là ước tính của cơ quan."

METHODS = [
    Method(
        figure="Tỷ lệ hài lòng",
        formula="Số câu trả lời ở mức hài lòng ÷ số câu trả lời hợp lệ. Bỏ qua và “không ý kiến” không tính vào mẫu số. "
        "Với thăm dò 5 mức: mức 4 và 5 là hài lòng; yếu tố và tỷ lệ chung gộp các câu có từ 5 người trả lời.",
        source="Cách tính của cơ quan",
        caution="Người trả lời tự chọn tham gia, không phải mẫu điều tra xã hội học; không phải chỉ số SIPAS.",
    ),
    Method(
        figure="Khoảng tin cậy 95%",
        formula="Tỷ lệ: khoảng Wilson theo số người trả lời. Điểm trung bình: khoảng t của Student, cắt theo hai đầu thang điểm.",
        source="Thống kê thông dụng",
        caution="Chỉ nói về sai số ngẫu nhiên, không nói về việc ai chọn trả lời.",
    ),
    Method(
        figure="Tỷ lệ trả lời",
        formula="Số phiếu trả lời ÷ (số phiếu trả lời + số người được hỏi mà chưa trả lời hoặc từ chối), "
        "ở các kênh có hỏi từng người: Zalo, Telegram, trang web.",
        source="Cách tính của cơ quan",
        caution="Mã QR, phiếu giấy và tổng đài không tính được vì không biết bao nhiêu người đã thấy phiếu.",
    ),
    Method(
        figure="Giữ kín người trả lời",
        formula="Nhóm dưới 5 người không nêu số liệu. Nếu lấy tổng trừ các nhóm đã nêu mà suy ra được một nhóm thì "
        "nhóm nhỏ tiếp theo cũng không nêu. Quý và năm: số của một nhóm cộng các tháng có nêu nhóm đó; các tháng không nêu được "
        "nhóm nào thì gộp lại thành một kỳ rồi xét như trên.",
        source="Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15; NĐ 224/2026/NĐ-CP Điều 10 khoản 3",
        caution="Ý kiến được tính đến hết tuần gần nhất, để không ai so hai lần xem mà biết ý kiến vừa gửi.",
    ),
    Method(
        figure="Biểu 06a: tiếp nhận, đã giải quyết, đang giải quyết",
        formula="Theo ngày: kết thúc trước ngày hẹn là trước hạn; đúng ngày hẹn, không có ngày hẹn hoặc công dân rút là "
        "đúng hạn; sau ngày hẹn là quá hạn. Đang giải quyết: ngày hẹn từ ngày cuối kỳ (hoặc hôm nay) trở đi, không có "
        "ngày hẹn, chờ bổ sung, chờ nộp phí hoặc dừng xử lý là trong hạn. "
        "Kiểm tra: tổng tiếp nhận = trong kỳ + kỳ trước = đã giải quyết + đang giải quyết.",
        source="Biểu 06a",
        caution=_MODEL + " Sổ hồ sơ chỉ giữ trạng thái sau cùng của mỗi hồ sơ.",
    ),
    Method(
        figure="Tỷ lệ đúng hạn, quá hạn, hoàn thành, trực tuyến",
        formula="Đúng hạn = (trước hạn + đúng hạn) ÷ đã giải quyết. Quá hạn = quá hạn ÷ đã giải quyết. "
        "Hoàn thành = đã giải quyết ÷ tổng tiếp nhận. Trực tuyến = trực tuyến ÷ tiếp nhận trong kỳ.",
        source="Biểu 06a",
        caution=_MODEL,
    ),
    Method(
        figure="2.1 Tỷ lệ đúng hạn theo Bộ chỉ số 766",
        formula="Hồ sơ trong hạn (đã xong hoặc đang làm) ÷ hồ sơ tiếp nhận hoặc đang giải quyết trong kỳ. Đang chờ bổ sung thì "
        "tính đến ngày yêu cầu; yêu cầu bổ sung quá một lần là trễ; trừ thời gian chờ bổ sung nếu hệ thống chưa dời ngày hẹn.",
        source="QĐ 766/QĐ-TTg, ghi chú công thức",
        caution="Khác tỷ lệ đúng hạn của biểu 06a. Hồ sơ không có ngày hẹn trả không xếp được nên để riêng. " + _PORTAL,
    ),
    Method(
        figure="5.2 Xử lý phản ánh, kiến nghị đúng hạn",
        formula="Phản ánh đúng hạn ÷ phản ánh nhận trong kỳ. Hạn theo ngày làm việc: từ chối hoặc chuyển ≤ 2, yêu cầu bổ sung ≤ 5, "
        "trả lời ≤ 15, công khai ≤ 2 sau khi trả lời.",
        source="QĐ 766/QĐ-TTg, ghi chú công thức",
        caution=_PORTAL,
    ),
    Method(
        figure="5.3 Hài lòng về xử lý phản ánh, kiến nghị",
        formula="(Tất cả − không hài lòng hoặc trễ hạn) ÷ tất cả.",
        source="QĐ 766/QĐ-TTg, ghi chú công thức",
        caution="Không biết phản ánh nào là lặp lại. " + _PORTAL,
    ),
    Method(
        figure="5.4 Hài lòng về tiếp nhận, giải quyết thủ tục",
        formula="100% − (tỷ lệ trễ hạn + tỷ lệ hồ sơ có phản ánh hoặc đánh giá không hài lòng). "
        "Từ 90% được 6 điểm; thấp hơn: tỷ lệ × 6 ÷ 90%.",
        source="QĐ 766/QĐ-TTg, ghi chú công thức; điểm tối đa theo một nguồn",
        caution="Không nối phản ánh, đánh giá với từng hồ sơ (để giữ kín), nên hồ sơ có cả hai bị tính hai lần. "
        "Không có số để chia thì ghi N/A. " + _PORTAL,
    ),
    Method(
        figure="Chín chỉ số (mỗi chỉ số 0–2 điểm, tổng 18)",
        formula="1, 2: điểm trung bình của hồ sơ kết thúc trong kỳ (trước hạn 2, đúng hạn 1, quá hạn 0). 3, 4, 6, 7: điểm trung "
        "bình người dân trả lời. 5, 8, 9: cơ quan nhập theo quý. Xếp loại: từ 15 Xuất sắc; từ 12 Tốt; từ 9 Khá; từ 6 Trung bình; "
        "dưới 6 Yếu.",
        source="TT 01/2018/TT-VPCP (đã được thay thế)",
        caution="Chỉ số 2 cần thời hạn của từng cơ quan tham gia; sổ hồ sơ chỉ có một ngày hẹn nên lấy như chỉ số 1. "
        "Thiếu chỉ số nào thì không xếp loại, chỉ nêu khoảng có thể đạt.",
    ),
    Method(
        figure="Câu hỏi chưa trả lời được",
        formula="Lượt hỏi không tìm thấy thủ tục, hoặc thủ tục chưa công bố nội dung được hỏi; "
        "các câu chỉ khác dấu và chữ hoa được gộp làm một.",
        source="Nhật ký lượt hỏi, không ghi người hỏi",
    ),
]
