"""Personal data in free words: what is taken out of hand-made sentences, what stays, and that nothing slips through."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.feedback.scrub import scrub
from knowledge.text import fold

# Each line: a sentence as somebody may write it, and the pieces of personal data in it that must not stay.
# Names, numbers and addresses are made up.
WITH_DATA = """
Tôi tên là Nguyễn Văn A, nộp hồ sơ đã lâu | Nguyễn; Văn A
toi ten la nguyen van hung nop ho so roi | nguyen; hung
tên em là Phạm Thị Bích Ngọc ạ | Phạm; Bích; Ngọc
Họ tên: Lê Hoàng Nam | Lê; Hoàng; Nam
họ và tên tôi là đặng thu thảo | đặng; thảo
Người gửi: Trần Quốc Toản | Trần; Toản
ký tên Vũ Đức Long | Vũ; Long
Kính đơn, Bùi Thị Xuân | Bùi; Xuân
em là Hoa ở tổ 5 | Hoa; tổ 5
mình là Tuấn đây, hôm qua bị mắng | Tuấn
tôi là Hùng, phản ánh chuyện thu phí | Hùng
anh Hùng làm việc chậm | Hùng
anh hùng ở quầy số 3 rất cáu gắt | hùng
chị Lan thái độ kém | Lan
chi lan thai do kem | lan
chị lan thái độ kém | lan
bà Trần Thị B ở quầy 3 quát tôi | Trần; Thị B
ba tran thi b quat toi | tran
ông Nguyễn Hữu Phước bắt chờ cả buổi | Nguyễn; Hữu; Phước
ong phuoc bat cho ca buoi | phuoc
cô Thảo hướng dẫn sai | Thảo
cô thảo hướng dẫn sai | thảo
chú Bảy bảo vệ không cho vào | Bảy vệ; chú Bảy
bác Tám khó tính | Tám
cán bộ Lê C nói chuyện khó nghe | Lê C
can bo le van cuong doi tien | cuong
cán bộ tên Cường vòi tiền | Cường
cán bộ Hương nhiệt tình | Hương
nhân viên Minh Tuấn rất tốt | Minh; Tuấn
đồng chí Phạm Văn Đồng Xuân hẹn mãi | Phạm; Xuân
chủ tịch Hoàng Văn Thụ chưa trả lời | Hoàng; Thụ
phó chủ tịch Trịnh Công Sơn hứa rồi | Trịnh; Sơn
công an Đỗ Mạnh làm căn cước | Đỗ; Mạnh
trưởng thôn Sùng A Páo không ký | Sùng; Páo
anh công an tên là Đạt | Đạt
thầy Khoa ở phòng tư pháp | Khoa
sếp Quang bận họp suốt | Quang
chị Nguyễn Thị Hồng Nhung bảo quay lại | Nguyễn; Hồng; Nhung
NGUYỄN VĂN A LÀM MẤT GIẤY CỦA TÔI | NGUYỄN; VĂN A
Người thu tiền là Võ Thị Sáu Lành | Võ; Lành
gặp Đinh Tiên Hoàng Anh ở một cửa | Đinh; Hoàng Anh
hồ sơ của Lý Thị Mùi bị trả lại | Lý Thị; Mùi
le thi be khong duoc tra giay | le thi; be
tran van binh la nguoi thu tien | tran van; binh
Chồng tôi là Hoàng Văn Thái đi nộp | Hoàng; Thái
vợ tôi Mai Phương đi ba lần | Mai; Phương
con tôi Nguyễn Gia Bảo chưa có giấy khai sinh | Nguyễn; Gia; Bảo
mẹ tôi tên Đào Thị Lụa, già yếu | Đào; Lụa
em Linh trực quầy 2 dễ thương | Linh
cháu Vy thực tập rất lễ phép | Vy
Gọi tôi số 0912345678 | 0912345678
gọi tôi 0912 345 678 nhé | 0912 345 678
sđt 0912.345.678 | 0912.345.678
liên hệ +84 912 345 678 | 912 345 678
số bàn 024 3825 1234 gọi giờ hành chính | 3825 1234
điện thoại nhà 02438251234 | 02438251234
cccd 079203001234 | 079203001234
Số căn cước 079 203 001 234 | 079 203 001 234
cmnd 123456789 cũ | 123456789
hộ chiếu C1234567 | C1234567
4 số cuối 1006 | 1006
stk 19031234567890 vietcombank | 19031234567890
số tài khoản 0123 4567 8901 | 0123 4567 8901
chuyển khoản vào 1903 1234 5678 90 cho cán bộ | 1903 1234
mã số thuế 0101234567 | 0101234567
thẻ bhyt DN 4 79 0123456789 | 0123456789
số sổ bảo hiểm 7916123456 | 7916123456
mã hồ sơ H57.17.26-261117-0004 để cả tháng | H57.17.26; 261117
hồ sơ 000.17.22.H56-210531-0001 trễ hẹn | 000.17.22; 210531
hs h57,17,26-231114-0002 sao lâu thế | 231114
hồ sơ G22.99-251225-020175 nộp online | 251225
mã biên nhận 4521 | 4521
giấy hẹn số 56 | 56
phản ánh PA-261124-7F3KQM chưa trả lời | PA-261124; 7F3KQM
email nguyenvana@gmail.com | nguyenvana; gmail.com
mail của em: lan.tran88@yahoo.com.vn nhé | lan.tran88
gửi về hoa_pham @ outlook.com | hoa_pham
thư tới hung88 a còng gmail chấm com | hung88
facebook.com/hung.nguyen.88 | hung.nguyen
fb: Nguyen Hung | Nguyen; Hung
zalo của tôi là 0987654321 | 0987654321
tiktok: @motcuavui | motcuavui
nhắn @hunglead trên telegram | hunglead
xem bài ở https://facebook.com/groups/123?x=1 | groups/123
t.me/hungnguyen | hungnguyen
xe 29A-123.45 để trước cổng bị giữ | 29A; 123.45
biển số 59X1-234.56 | 59X1; 234.56
xe máy 30F 12345 không cho gửi | 30F; 12345
bien so 43c12345 | 43c12345
nhà tôi ở số 12 đường Lê Lợi, chờ mãi | 12 đường; Lê Lợi
so nha 12 duong le loi cho mai khong ai toi | so nha 12; le loi
số nhà 45/6 ngõ 8 phố Huế không có đèn | 45/6; ngõ 8; Huế
nhà số 7B hẻm 12/3 | 7B; 12/3
Địa chỉ: 25 Trần Hưng Đạo, phường 1 | 25 Trần; Hưng Đạo
địa chỉ của tôi là thôn Đông xã Mẫu | thôn Đông
ngõ 192 sâu quá cán bộ không vào | 192
tổ 12 khu phố 4 chưa được mời họp | tổ 12; khu phố 4
ấp 3 xa trung tâm lắm | ấp 3
xóm Đình chưa ai phát phiếu | Đình
bản Nà Lúm đi mất nửa ngày | Nà; Lúm
chung cư Hoa Sen không được làm tạm trú | Hoa Sen
căn hộ 1205 tòa nhà A bị từ chối | 1205
thường trú tại thôn 5 xã Mẫu | thôn 5
tôi sinh ngày 12/03/1980 mà ghi sai | 12/03/1980
sinh năm 1975, đi lại khó | 1975
thửa đất số 123 tờ bản đồ số 45 đo sai | 123; 45
12/5 Nguyễn Trãi, đèn hỏng | 12/5; Nguyễn; Trãi
"""

WITHOUT_DATA = """
Ông cán bộ ở quầy rất lịch sự
Bà cán bộ hướng dẫn tận tình
cán bộ nhiệt tình, vui vẻ
các anh chị ở một cửa làm nhanh gọn
chị ấy nói năng nhẹ nhàng
ông ấy bắt tôi chờ cả buổi
anh công an làm căn cước rất nhanh
Cán bộ phường thu tiền sai quy định
nộp 3 lần chưa xong, bắt bổ sung 2 lần
thu 200.000 đồng không có biên lai
lệ phí 8000đ mà thu 10.000.000 đồng
ngày 24/11/2026 tôi đến thì cửa đóng
từ 7h30 đến 11h30 không có ai
nên có thêm ghế ngồi và quạt ở phòng chờ
thủ tục rườm rà, giấy tờ nhiều
đường dây nóng không ai nghe máy
giấy khai sinh chậm 15 ngày
thủ tục 1.001193 hướng dẫn khó hiểu
tôi là người dân, tôi thấy bình thường
bố trí bàn hướng dẫn cho người già
trang web hay báo lỗi 500
xin cảm ơn cán bộ nhiều
thai do phuc vu tot
can bo huong dan ro rang
mong phường làm việc cả thứ bảy
bản sao giấy tờ phải có công chứng
phường Trần Phú làm việc tốt
"""


def rows(block: str) -> list[str]:
    return [line for line in block.strip().splitlines() if line]


def leaks(line: str) -> list[str]:
    """Pieces of personal data that are still there after scrubbing."""
    sentence, pieces = line.split(" | ")
    left = scrub(sentence)
    return [piece.strip() for piece in pieces.split(";") if piece.strip() in left]


def test_the_hand_made_list_is_long_enough() -> None:
    assert len(rows(WITH_DATA)) >= 100
    assert len(rows(WITH_DATA)) + len(rows(WITHOUT_DATA)) >= 120


@pytest.mark.parametrize("line", rows(WITH_DATA))
def test_personal_data_does_not_stay(line: str) -> None:
    assert leaks(line) == []


@pytest.mark.parametrize("sentence", rows(WITHOUT_DATA))
def test_words_without_personal_data_stay(sentence: str) -> None:
    assert scrub(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cán bộ Lê C thái độ kém", "cán bộ [tên] thái độ kém"),
        ("Chị Lan ở quầy 3 hẹn ngày 24/11/2026", "Chị [tên] ở quầy 3 hẹn ngày 24/11/2026"),
        ("gọi 0912 345 678 cho tôi", "gọi [số điện thoại] cho tôi"),
        ("hồ sơ H57.17.26-261117-0004 chậm 5 ngày", "hồ sơ [số] chậm 5 ngày"),
    ],
)
def test_the_rest_of_a_sentence_stays(text: str, left: str) -> None:
    assert scrub(text) == left


SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô"]
GIVEN = ["Hùng", "Lan", "Dũng", "Thảo", "Tuấn", "Hương", "Phúc", "Yến", "Quỳnh", "Khánh", "Trang"]
TITLES = ["anh", "chị", "ông", "bà", "cô", "chú", "cán bộ", "nhân viên"]
NAMES = st.tuples(
    st.sampled_from(SURNAMES), st.sampled_from(["Văn", "Thị", "Ngọc", "Minh", "Thanh"]), st.sampled_from(GIVEN)
)
FRAMES = st.sampled_from(
    ["{} thái độ kém", "hôm qua {} bắt chờ lâu", "tôi gặp {} ở quầy 2", "Góp ý về {}, xin xem lại"]
)


@given(NAMES, st.sampled_from(TITLES), FRAMES, st.sampled_from([str, str.lower, fold, str.upper]))
def test_full_names_after_titles_go_in_every_spelling(names, title: str, frame: str, spell) -> None:  # type: ignore[no-untyped-def]
    left = scrub(spell(frame.format(f"{title} {' '.join(names)}"))).split()
    frames = spell(frame).split()
    assert not any(spell(part) in left for part in (names[0], names[2]) if spell(part) not in frames), left


@given(
    NAMES,
    st.sampled_from(["tôi tên là {}", "họ tên: {}", "tên em là {}, ở xã"]),
    st.sampled_from([str, str.lower, fold]),
)
def test_names_of_who_writes_go(names, frame: str, spell) -> None:  # type: ignore[no-untyped-def]
    left = scrub(spell(frame.format(" ".join(names)))).split()
    frames = spell(frame).split()
    assert not any(spell(part) in left for part in names if spell(part) not in frames), left


@given(
    st.integers(min_value=10**8, max_value=10**13 - 1),
    st.sampled_from(["", " ", ".", "-"]),
    st.sampled_from(["", "0", "+84"]),
)
def test_long_numbers_go_however_they_are_written(number: int, gap: str, prefix: str) -> None:
    digits = f"{prefix}{number}"
    written = gap.join(digits[at : at + 3] for at in range(0, len(digits), 3))
    left = scrub(f"số của tôi {written} nhé")
    assert str(number)[-6:] not in "".join(c for c in left if c.isdigit())


@given(st.text(max_size=300))
def test_any_text_is_scrubbed_without_an_error(text: str) -> None:
    scrub(text)


@given(st.text(alphabet="aàáạ bcđeêghinNgTôơrtu0123456789.,-@ANLHTÔ", max_size=200))
def test_scrubbing_twice_takes_nothing_more_than_marks(text: str) -> None:
    assert len(scrub(scrub(text))) <= max(len(scrub(text)), 200) + 40


@pytest.mark.parametrize(
    "piece", ["a@", "1 ", "1.", "Nguyễn ", "số nhà ", "tên là ", "@a.", "H57.", "a.a@a", "1-", "fb "]
)
def test_long_and_odd_texts_take_no_time(piece: str) -> None:
    started = time.perf_counter()
    scrub(piece * (4_000 // len(piece)))
    assert time.perf_counter() - started < 2.0
