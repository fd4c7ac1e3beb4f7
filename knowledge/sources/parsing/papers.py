"""Papers (thành phần hồ sơ): rows of the portal's tables, and pages whose cells run together.

A row is a paper to hand in, a paper only to show, or a note. Rows with 0 originals
and 0 copies are notes, except where they plainly name a paper: they start with the
name of a kind of paper (or carry a form) and are no rule, no heading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from knowledge.procedure import Handling

from .text import BULLET, LOWER, UPPER, capitalise, clean, clean_line, closing_bracket, strip_bullets

MOST_SHEETS = 60
"""More sheets than this in one cell are digits of the name that ran into the count."""

PAPER_WORDS = (
    "đơn",
    "tờ khai",
    "tờ trình",
    "giấy",
    "bản sao",
    "bản chụp",
    "bản chính",
    "bản gốc",
    "bản dịch",
    "bản khai",
    "bản kê",
    "bản cam kết",
    "bản cam đoan",
    "bản thuyết minh",
    "bản vẽ",
    "bản đồ",
    "bản thảo",
    "bản tóm tắt",
    "bản đăng ký",
    "bản thông tin",
    "bản tự",
    "bản mô tả",
    "bản thiết kế",
    "bản ghi",
    "bản lý lịch",
    "bản tường trình",
    "bản xác nhận",
    "bản photo",
    "bản scan",
    "bản điện tử",
    "bản quy",
    "bản trích",
    "bản giới thiệu",
    "bản nhận xét",
    "bản cứng",
    "văn bản",
    "công văn",
    "hợp đồng",
    "quyết định",
    "báo cáo",
    "danh sách",
    "danh mục",
    "hóa đơn",
    "hoá đơn",
    "chứng từ",
    "phiếu",
    "sổ",
    "ảnh",
    "biên bản",
    "tài liệu",
    "bảng",
    "chứng minh nhân dân",
    "chứng minh thư",
    "thẻ",
    "hộ chiếu",
    "phương án",
    "lý lịch",
    "sơ yếu",
    "bằng",
    "chứng chỉ",
    "kế hoạch",
    "đề án",
    "dự án",
    "dự thảo",
    "điều lệ",
    "nghị quyết",
    "vận đơn",
    "vận tải đơn",
    "catalogue",
    "catalog",
    "thuyết minh",
    "sơ đồ",
    "mẫu",
    "cam kết",
    "xác nhận",
    "ý kiến",
    "hồ sơ",
    "trích lục",
    "trích đo",
    "mảnh trích",
    "chứng cứ",
    "chứng thư",
    "giấy tờ",
    "thông báo",
    "thông tin",
    "bộ hồ sơ",
    "quy trình",
    "quy chế",
    "nội quy",
    "hình ảnh",
    "video",
    "đĩa",
    "tệp",
    "file",
    "căn cước",
    "visa",
    "thị thực",
    "lệnh",
    "di chúc",
    "nhãn",
    "đề cương",
    "đề nghị",
    "yêu cầu",
    "thư",
    "tem",
    "chương trình",
    "kết quả",
    "bài",
    "các tài liệu",
    "các giấy tờ",
    "các văn bản",
    "các chứng từ",
    "các loại giấy tờ",
    "một trong các",
    "tờ",
    "mã số",
    "cmnd",
    "cccd",
    "packing list",
    "c/o",
    "invoice",
    "dự toán",
    "thiết kế",
    "kê khai",
    "học bạ",
    "bệnh án",
    "tóm tắt",
    "minh chứng",
    "chứng nhận",
    "tiêu chuẩn",
    "nhật ký",
    "hướng dẫn sử dụng",
    "mẫu sản phẩm",
    "phụ lục",
    "biên lai",
)
RULE_WORDS = (
    "nêu trên nếu",
    "thì phải",
    "được tạo lập",
    "phải có bản dịch",
    "phải được",
    "phải đảm bảo",
    "phải bảo đảm",
    "phải đáp ứng",
    "phải là",
    "có trách nhiệm",
    "không được yêu cầu",
    "được yêu cầu",
    "không phải nộp",
    "không phải xuất trình",
    "không phải tải",
    "không yêu cầu",
    "không cần",
    "được hợp pháp hóa",
    "được miễn",
    "có giá trị pháp lý",
    "chỉ cần",
    "chỉ yêu cầu",
    "thực hiện theo",
    "được thực hiện",
    "thực hiện như sau",
    "được thay thế",
    "có thể nộp",
    "có thể thay",
    "có quyền",
    "được nộp trước",
    "phải được nộp",
    "quy định tại điểm",
    "quy định tại các điểm",
    "nêu trên phải",
    "nêu trên là bản",
    "là bản sao có",
    "là bản chính hoặc",
    "phải gửi",
    "phải nộp bản",
    "yêu cầu người",
    "từ chối",
    "được tính",
    "phải ghi",
    "phải cung cấp",
    "phải thể hiện",
    "được gửi kèm",
    "được nộp kèm",
    "chịu trách nhiệm",
    "bảo đảm rõ nét",
    "rõ nét, đầy đủ",
)
NOTE_STARTS = (
    "lưu ý",
    "ghi chú",
    "chú ý",
    "chú thích",
    "người tiếp nhận",
    "người yêu cầu",
    "người có yêu cầu",
    "người được",
    "người nộp hồ sơ",
    "cơ quan",
    "cán bộ",
    "công chức",
    "cá nhân có quyền",
    "việc nộp",
    "việc ",
    "trong đó nêu",
    "số lượng hồ sơ",
    "số lượng bộ",
    "số bộ",
    "không quy định",
    "chưa quy định",
    "không có",
    "các bản sao là",
    "tài liệu quy định tại",
    "các tài liệu quy định tại",
    "miễn tài liệu",
    "miễn nộp",
    "ngoài hồ sơ",
    "ngoài các",
    "tùy từng",
    "tùy theo",
    "theo quy định",
    "cách thức",
    "yêu cầu đối với",
    "thời hạn",
    "thời gian",
    "hình thức",
    "doanh nghiệp không phải",
    "tổ chức, cá nhân không phải",
    "nội dung",
    "lưu ý:",
    "tỷ lệ",
    "chi phí",
    "chậm nhất",
    "do ủy ban",
    "do uỷ ban",
    "thủ tướng",
    "chưa có quy định",
)
SHOW_CASES = ("giấy tờ phải xuất trình", "giấy tờ xuất trình", "các giấy tờ phải xuất trình", "xuất trình")
SUBMIT_CASES = ("giấy tờ phải nộp", "các giấy tờ phải nộp", "giấy tờ nộp", "hồ sơ phải nộp")
NOTE_CASES = ("lưu ý", "ghi chú", "chú ý", "chú thích")

_CONDITION = re.compile(
    r"^(?:(?:chỉ )?(?:áp dụng )?(?:đối với|trong trường hợp|trường hợp|các trường hợp|nếu|khi|"
    r"tùy từng trường hợp|cho|thuộc trường hợp|dành cho|áp dụng)|trừ trường hợp)(?=[\s:])",
    re.IGNORECASE,
)
_HEADING_CASE = re.compile(
    r"^(?:(?:\d+[.)]?\s*)?(?:thành phần|số lượng|danh mục)[\s,]+(?:(?:và )?số lượng |"
    r"thành phần )?hồ sơ(?:\s*,?\s*(?:bao )?gồm)?(?: có)?|"
    r"\d{0,2}\s*(?:\([^()]*\)\s*)?bộ hồ sơ(?: gồm)?|hồ sơ(?: bao)?(?: gồm)?(?: có)?|giấy tờ(?: gồm)?|"
    r"các giấy tờ(?: gồm| sau)?|gồm|bao gồm|hồ sơ đề nghị|một trong các giấy tờ sau|nộp hồ sơ)$",
    re.IGNORECASE,
)
_OPTIONAL = re.compile(r"[\s(,;]*\(?\s*nếu có\s*\)?[\s.;,]*$", re.IGNORECASE)
_TAIL_CASE = re.compile(
    r"[\s,;–-]*(?:\((?P<inside>(?:chỉ )?(?:áp dụng )?(?:đối với|trong trường hợp|trường hợp|nếu|khi|"
    r"dành cho|trừ trường hợp)\s[^()]{4,400})\)|(?<![(\w])(?P<outside>(?:đối với (?:các )?trường hợp|"
    r"trong (?:các )?trường hợp|đối với)\s[^();]{4,260}))[\s.;,:]*$",
    re.IGNORECASE,
)
_HEAD_CASE = re.compile(
    r"^(?P<case>(?:trong trường hợp|trường hợp|đối với|nếu)\s[^:;]{3,300}?)\s*(?::|"
    r",\s*(?:thì\s+)?(?:phải\s+)?(?:nộp|cung cấp|bổ sung|xuất trình)(?: thêm| bổ sung| kèm theo)?:?|"
    r"\s+thì\s+(?:phải\s+)?(?:nộp|cung cấp|bổ sung|xuất trình)(?: thêm| bổ sung|"
    r" kèm theo)?:?)\s+(?P<rest>\S.{5,})$",
    re.IGNORECASE | re.DOTALL,
)
_SHOW = re.compile(
    r"^(?:(?:bản chính|giấy tờ)\s+)?(?:xuất trình|mang theo|đem theo)\b|"
    r"\((?:chỉ )?(?:để )?xuất trình(?: khi| để| bản chính)?[^()]*\)\s*[.;]?$",
    re.IGNORECASE,
)
_HELD = re.compile(
    r"(?:không (?:phải|cần|yêu cầu|bắt buộc)|miễn|được miễn|thì không)\s+(?:phải )?(?:nộp|xuất trình|"
    r"tải|cung cấp|gửi|đính kèm)[^.;]*|(?:trừ trường hợp)[^.;]{0,120}(?:cơ sở dữ liệu|csdl|khai thác|"
    r"tra cứu)[^.;]*"
    r"|(?:trường hợp|nếu|khi)[^.;]{0,200}(?:cơ sở dữ liệu|csdl|"
    r"khai thác được)[^.;]{0,300}(?:không (?:phải|cần|yêu cầu)|miễn|được thay thế|thay thế)[^.;]*",
    re.IGNORECASE,
)
_DATABASE = re.compile(
    r"cơ sở dữ liệu|csdl|khai thác được|tra cứu|kết nối|vneid|chia sẻ|liên thông|dữ liệu|đã có trong", re.IGNORECASE
)
_COUNTED = re.compile(
    r"(?<![\d/.])(?P<count>\d{1,2})\s*(?:\([^()\d]{2,20}\)\s*)?(?P<kind>bản chính|bản gốc|bản sao|"
    r"bản chụp|bản photo|bản phô tô)",
    re.IGNORECASE,
)
_SETS = re.compile(
    r"(?:số lượng(?: bộ)?(?: hồ sơ)?\s*[/:]?\s*)?(?<![\d/])(?P<count>\d{1,2})\s*\(?(?:[^()\d]{0,16}\)?\s"
    r"*)?bộ(?: hồ sơ)?\b",
    re.IGNORECASE,
)
_QUANTITY_CELL = re.compile(
    r"bản chính\s*:\s*(\d{1,3})\s*bản sao\s*:\s*(\d{1,3})|"
    r"(?:(\d{1,3})\s*bản chính)?\s*,?\s*(?:(\d{1,3})\s*bản sao)?",
    re.IGNORECASE,
)

FORM_SUFFIX = r"\.(?:docx?|xlsx?|pdf|rtf|odt|zip|rar|pptx?|jpe?g|png|signed\.pdf)"
_FORM_END = re.compile(rf"(?P<name>.*?){FORM_SUFFIX}\s*$", re.IGNORECASE | re.DOTALL)
_MARKDOWN_LINK = re.compile(r"^\[(?P<name>[^\]]*)\]\((?P<target>.*)\)$", re.DOTALL)
_LETTER = LOWER + UPPER

TABLE_HEAD = "Tên giấy tờMẫu đơn, tờ khaiSố lượng"
_COUNT_CELL = re.compile(r"(?P<originals>\d+) bản chính(?:,\s?(?P<copies>\d+) bản sao)?|(?P<only_copies>\d+) bản sao")


@dataclass(slots=True)
class RawPaper:
    """A row as a source gives it. Counts are None where the source has none."""

    name: str
    case: str = ""
    originals: int | None = None
    copies: int | None = None
    forms: list[tuple[str, str | None]] = field(default_factory=list)  # (name, address)
    source: str | None = None


@dataclass(slots=True)
class ParsedPaper:
    """A row understood; ``kind_of_row`` of a heading or a remark is Handling.NOTE."""

    name: str
    official_name: str | None
    handling: Handling
    case: str | None
    originals: int | None
    copies: int | None
    forms: list[tuple[str, str | None]]
    optional: bool
    held_by_state: bool
    source: str | None
    leftover: str | None = None


def parse_quantity(text: str) -> tuple[int | None, int | None]:
    """Originals and copies of a cell: "2 bản chính, 1 bản sao", "Bản chính: 1Bản sao: 0"."""
    match = _QUANTITY_CELL.search(clean_line(text))
    if not match or not match[0].strip():
        return None, None
    if match[1] is not None:
        return int(match[1]), int(match[2])
    originals, copies = match[3], match[4]
    return (int(originals) if originals else 0, int(copies) if copies else 0)


def parse_sets(text: str) -> int | None:
    """How many sets of the dossier ("01 bộ hồ sơ") a heading or a row asks for."""
    match = _SETS.search(text)
    count = int(match["count"]) if match else 0
    return count if 1 <= count <= 20 else None


def split_form(name: str) -> tuple[str, str | None]:
    """Split a file name that ran into a paper's name: "theo mẫu quy địnhvăn bản đề nghị.docx"."""
    match = _FORM_END.match(name)
    if not match:
        return name, None
    suffix = name[match.end("name") :].strip()
    stem = match["name"]
    cut = _join_position(stem)
    if cut is None:
        return name, None
    return stem[:cut].strip(), f"{stem[cut:].strip()}{suffix}"


_SYLLABLE = re.compile(
    r"^(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx])?(?:[aăâeêioôơuưy]{1,3})(?:ch|ng|nh|[cmnptiouy])?$"
)
_TONES = str.maketrans(
    "áàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ",
    "aaaaaăăăăăâââââeeeeeêêêêêiiiiioooooôôôôôơơơơơuuuuuưưưưưyyyyy",
)
_TONE_MARKS = re.compile("[áàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]")


def is_syllable(word: str) -> bool:
    """Whether a word can be one Vietnamese syllable: one onset, one rime, at most one tone mark."""
    word = word.lower()
    return len(_TONE_MARKS.findall(word)) <= 1 and bool(_SYLLABLE.match(word.translate(_TONES)))


_CELL_END = re.compile(
    rf"[;:,)\]”\"](?=[{_LETTER}\d(])|(?<=[{LOWER})])\.+(?=[{_LETTER}\d])|"
    rf"(?<=[A-ZĐ]{{2}})\.+(?=[{_LETTER}])|(?<=[{LOWER}])(?=[{UPPER}])|(?<=[{LOWER}])(?=\d)|"
    rf"(?<=\d)(?=[{UPPER}][{LOWER}])|(?<=[A-ZĐ]{{2}})(?=[{UPPER}][{LOWER}])"
)


def _join_position(text: str) -> int | None:
    """Where the file name starts in text that it ran into without a blank; None if that is not certain.

    A file name without blanks may hold capitals and dots itself ("MauBankhai.v2"), so in
    the last word the first such place counts; otherwise the last one of the text.
    """
    places = [match.end() for match in _CELL_END.finditer(text) if not re.search(r"\d,$", text[: match.end()])]
    last_word = len(text) - len(text.rsplit(" ", 1)[-1])
    inside = [place for place in places if place > last_word]
    if inside:
        return inside[0]
    if places and places[-1] >= 4:
        return places[-1]
    return _between_syllables(text)


def _between_syllables(text: str) -> int | None:
    """Where two syllables ran together ("địnhvăn"), if just one cut gives two of them."""
    found: int | None = None
    for word in re.finditer(rf"[{_LETTER}]+", text):
        token = word[0]
        if is_syllable(token) or token.isupper():
            continue
        cuts = [i for i in range(2, len(token) - 1) if is_syllable(token[:i]) and is_syllable(token[i:])]
        marked = [i for i in cuts if _TONE_MARKS.search(token[:i].lower()) and _TONE_MARKS.search(token[i:].lower())]
        if len(marked) == 1 or len(cuts) == 1:
            found = word.start() + (marked or cuts)[0]
    return found


def read_form(entry: object) -> tuple[str, str | None] | None:
    """A form's name and public address from a file name, a Markdown link or a path of a crawler's disk."""
    text = clean_line(entry)
    if not text:
        return None
    match = _MARKDOWN_LINK.match(text)
    name, target = (match["name"], match["target"]) if match else (text, "")
    name = re.split(r"[\\/]", name)[-1] if re.match(r"^[A-Za-z]:\\|^/|^file:", name) else name
    return (name.strip(), target if target.startswith(("http://", "https://")) else None) if name.strip() else None


def split_table(text: str) -> tuple[list[RawPaper], str | None]:
    """Split a page's table of papers whose cells run together; the second value is text that is no table.

    Each table is ``case, head of the table, rows``; a row is a name, file names and a count such as
    ``1 bản chính,1 bản sao``. A count is a cell of its own when no digit that belongs to the name
    precedes it, it has no leading zero, and the next cell starts like a name.
    """
    text = clean(text)
    if TABLE_HEAD not in text:
        return [], text or None
    rows: list[RawPaper] = []
    first, *tables = text.split(TABLE_HEAD)
    case = _table_case(first)
    unread: list[str] = []
    for index, table in enumerate(tables):
        found, tail = _split_rows(table, case)
        rows += found
        last = index == len(tables) - 1
        case = "" if last else _table_case(tail)
        if last and tail.strip(" -"):
            unread.append(tail.strip())
    return rows, "\n".join(unread) or None


def _table_case(text: str) -> str:
    text = text.strip()
    return (
        ""
        if text in ("", "--", "----")
        else text.removeprefix("----").strip().rstrip(":") + (":" if text.endswith(":") else "")
    )


def _split_rows(table: str, case: str) -> tuple[list[RawPaper], str]:
    rows: list[RawPaper] = []
    start = 0
    for match in _COUNT_CELL.finditer(table):
        if not _is_count_cell(table, match, start):
            continue
        originals, glued = _own_digits(match["originals"] or match["only_copies"], table[start : match.start()])
        name = clean(table[start : match.start()] + glued)
        start = match.end()
        if match["only_copies"]:
            originals, copies = 0, originals
        else:
            copies = int(match["copies"] or 0)
        name, forms = _take_forms(name)
        rows.append(RawPaper(name, case, originals, copies, forms))
    return rows, table[start:]


def _is_count_cell(table: str, match: re.Match[str], start: int) -> bool:
    digits = match["originals"] or match["only_copies"]
    before, after = table[start : match.start()], table[match.end() :]
    if digits.startswith("0") and len(digits) > 1:
        return False
    if after and (after[0] in ",.;:)/”" or re.match(rf"\s*(?:[{LOWER}]|\))|\s+[^\s\-+*\d({_LETTER}]", after)):
        return False
    if before and before[-1] in " (" and after[:1] not in ("", "\n") and re.match(r"\s+\S", after):
        return False
    return bool(before.strip())


def _own_digits(digits: str, before: str) -> tuple[int, str]:
    """Tell the count from digits of the name before it: "ngày 01/01/2026" and "1" print as "20261"."""
    number = int(digits)
    year = re.match(r"^((?:19|20)\d{2})(\d{1,2})$", digits)
    if year:
        return int(year[2]), year[1]
    if number > MOST_SHEETS or (
        len(digits) > 1
        and re.search(r"(?:số|năm|mẫu|phụ lục|điều|khoản|biểu|tháng|[/.\-–])\s*$", before, re.IGNORECASE)
    ):
        return int(digits[-1]), digits[:-1]
    return number, ""


_TWO_FORMS = re.compile(rf"^(?P<first>.*?{FORM_SUFFIX})(?=\S)(?P<second>.+{FORM_SUFFIX})$", re.IGNORECASE)


def _take_forms(name: str) -> tuple[str, list[tuple[str, str | None]]]:
    """Take the file names off the end of a name, in their order."""
    forms: list[tuple[str, str | None]] = []
    while True:
        name, form = split_form(name)
        if form is None:
            return name, forms
        two = _TWO_FORMS.match(form)
        forms[:0] = [(part.strip(), None) for part in ((two["first"], two["second"]) if two else (form,))]


def repair_count(raw: RawPaper) -> RawPaper:
    """Give digits back to a name that a crawl cut off and put in front of the count: 20261, 31."""
    for attribute in ("originals", "copies"):
        count = getattr(raw, attribute)
        if count is not None and (
            count > MOST_SHEETS
            or (
                count > 9
                and re.search(r"(?:số|năm|mẫu|phụ lục|điều|khoản|biểu|tháng|[/.\-–])\s*$", raw.name, re.IGNORECASE)
            )
        ):
            own, glued = _own_digits(str(count), raw.name + "/")
            setattr(raw, attribute, own)
            raw.name = f"{raw.name.rstrip()}{'' if raw.name.rstrip().endswith(('/', '-', '.')) else ' '}{glued}"
    return raw


def parse_paper(raw: RawPaper) -> ParsedPaper | None:
    """Understand one row; None for a row without any text."""
    raw = repair_count(raw)
    official = clean(raw.name)
    name, forms = _take_forms(official)
    forms = [*raw.forms, *forms]
    unread_form = (
        official
        if not forms and re.search(FORM_SUFFIX + r"\s*$", official, re.IGNORECASE) and len(official) > 120
        else None
    )
    if not clean_line(name).strip(" -+*.;:,"):
        if not forms:
            return None
        name = official = re.sub(FORM_SUFFIX + "$", "", forms[0][0], flags=re.IGNORECASE)
    case, heading = read_case(raw.case)
    plain = strip_bullets(clean_line(name)) or clean_line(name)
    handling = _handling(raw, plain, heading, bool(forms))
    unsure = handling is Handling.NOTE and not _is_note(plain, heading)
    originals, copies = raw.originals, raw.copies
    if not originals and not copies:
        # 0 and 0 is how the portal prints "no number stated"; the text may state one.
        originals, copies = _counts_in_words(plain) if handling is not Handling.NOTE else (None, None)
    held = bool(_HELD.search(plain) and _DATABASE.search(plain))
    optional = False
    if handling is not Handling.NOTE:
        plain, case, optional = _take_conditions(plain, case)
    shown = capitalise(plain.strip(" ;,").rstrip(".:") if plain.rstrip(" .:;,") else plain)
    return ParsedPaper(
        shown,
        official_name(official, shown),
        handling,
        case,
        originals,
        copies,
        forms,
        optional,
        held,
        raw.source,
        unread_form or (official if unsure else None),
    )


def official_name(official: str, shown: str) -> str | None:
    """The source's wording, where the name that is shown is not just that."""
    line = clean_line(official)
    return line if strip_bullets(line).rstrip(" .;:,").casefold() != shown.rstrip(" .;:,").casefold() else None


def read_case(heading: str) -> tuple[str | None, str]:
    """A table's heading as (condition, folded heading); headings such as "Thành phần hồ sơ:" are no condition."""
    line = clean_line(heading)
    plain = strip_bullets(line).strip(" .:;,*-–")
    folded = plain.lower()
    if len(plain) > 500 or _RULE_HEADING.search(plain):
        return None, folded
    if (
        not plain
        or _HEADING_CASE.match(plain)
        or folded.startswith((*SHOW_CASES, *SUBMIT_CASES, *NOTE_CASES))
        or (parse_sets(plain) and len(plain) < 30)
    ):
        return None, folded
    return condition(plain), folded


_RULE_HEADING = re.compile(
    r"thì có thể nộp|có thể nộp bản|xuất trình bản chính để đối chiếu|thì không (?:phải|yêu cầu) nộp|"
    r"không (?:phải|yêu cầu|bắt buộc) nộp|^miễn nộp|được tạo lập khi|trên môi trường điện tử thì|"
    r"bản sao được chứng thực hoặc bản sao điện tử|chịu trách nhiệm trước",
    re.IGNORECASE,
)


def is_rule(heading: str) -> bool:
    """Whether a table's heading states a rule about papers instead of a condition."""
    return bool(_RULE_HEADING.search(clean_line(heading))) or len(heading) > 500


def condition(text: str) -> str:
    """A condition without the words that introduce it, with a capital first letter."""
    text = strip_bullets(text).strip(" .:;,–-")
    text = (
        re.sub(
            r"^(?:(?:đối với|trong|cho)\s+)?(?:(?:các )?trường hợp|đối với)\s*(?:\d{1,2}\s*)?[:.]?\s+(?=\S)",
            "",
            text,
            flags=re.IGNORECASE,
        )
        or text
    )
    text = (
        re.sub(
            r"[,:]?\s*(?:(?:thì )?(?:thành phần )?hồ sơ (?:bao )?gồm(?: có)?|gồm|bao gồm)$",
            "",
            text,
            flags=re.IGNORECASE,
        )
        or text
    )
    if text.startswith("(") and closing_bracket(text) == len(text) - 1:
        text = text[1:-1]
    return capitalise(text.strip(" .:;,"))


def _handling(raw: RawPaper, plain: str, heading: str, has_form: bool) -> Handling:
    folded = plain.lower()
    counted = bool(raw.originals or raw.copies)
    if folded.startswith(("lưu ý", "ghi chú", "chú ý", "chú thích", "số lượng hồ sơ", "số lượng:", "số bộ")):
        return Handling.NOTE
    if not counted and not has_form and not names_a_paper(plain):
        return Handling.NOTE
    if heading.startswith(NOTE_CASES) and not counted:
        return Handling.NOTE
    if heading.startswith(SHOW_CASES) or _SHOW.search(plain):
        return Handling.SHOW
    return Handling.SUBMIT


_NOTE_HEAD = re.compile(
    r"^\W*(?:\(|\*|trường hợp|đối với|trong trường hợp|nếu|khi|ngoài|trong đó|các trường hợp|có\b|là\b|"
    r"không\b|theo|như|và\b|hoặc\b|cụ thể|gồm|bao gồm|một trong|tùy|nhà đầu tư|tổ chức|cá nhân|"
    r"doanh nghiệp|công ty|người|việc|nơi nhận|thành phần|số lượng|bước)",
    re.IGNORECASE,
)


def _is_note(plain: str, heading: str) -> bool:
    """Whether something shows that a row without counts is a note or a heading, not a paper of an unknown kind."""
    folded = plain.lower()
    ends = folded.rstrip(" .*").endswith((":", "gồm", "sau đây", "như sau", "sau", ";"))
    return (
        ends
        or heading.startswith(NOTE_CASES)
        or folded.startswith(NOTE_STARTS)
        or any(word in folded for word in RULE_WORDS)
        or bool(_NOTE_HEAD.match(plain))
        or len(plain) < 4
    )


def names_a_paper(plain: str) -> bool:
    """Whether a row without counts plainly names a paper: the rule for rows with 0 and 0.

    It does when it starts with a kind of paper or a count of sheets, is no heading
    (ends with a colon), and states no rule about papers.
    """
    folded = plain.lower()
    if folded.rstrip().endswith((":", "gồm", "sau đây", "như sau", "sau")) or folded.startswith(NOTE_STARTS):
        return False
    head = _HEAD_CASE.match(plain)
    if head:
        folded = head["rest"].lower()
    if any(word in folded for word in RULE_WORDS):
        return False
    folded = re.sub(r"^(?:nộp|gửi|cung cấp|xuất trình|bổ sung)\s+(?:thêm\s+)?", "", folded)
    folded = re.sub(
        r"^(?:(?:một|hai|ba)?\s*\(?\d{1,2}\)?\s*(?:\([^()]{2,12}\)\s*)?|(?:các|những|một|hai)\s+)", "", folded
    )
    return folded.startswith(PAPER_WORDS)


def _counts_in_words(plain: str) -> tuple[int | None, int | None]:
    """Originals and copies that the text itself states; None where it states none."""
    originals = copies = None
    for match in _COUNTED.finditer(plain):
        if match["kind"].lower() in ("bản chính", "bản gốc"):
            originals = int(match["count"]) if originals is None else originals
        else:
            copies = int(match["count"]) if copies is None else copies
    return originals, copies


def _take_conditions(plain: str, case: str | None) -> tuple[str, str | None, bool]:
    """Take "(nếu có)" and the condition of the single paper out of its name."""
    optional = False
    match = _OPTIONAL.search(plain)
    if match and match.start() > 3 and ";" not in plain[: match.start()]:
        plain, optional = plain[: match.start()].strip(), True
    head = _HEAD_CASE.match(plain)
    if head and names_a_paper(head["rest"]):
        return capitalise(head["rest"].strip()), _join(case, condition(head["case"])), optional
    tail = _TAIL_CASE.search(plain)
    if tail and tail.start() > 6 and ";" not in plain[: tail.start()]:
        words = tail["inside"] or tail["outside"]
        rest = plain[: tail.start()].strip(" ,;")
        balanced = rest.count("(") == rest.count(")") and words.count("(") == words.count(")")
        several = re.search(r"(?:đối với|trường hợp)", rest, re.IGNORECASE) or re.search(
            r"\bhoặc\b", rest, re.IGNORECASE
        )
        if balanced and not several and (_CONDITION.match(words)) and not _HELD.search(words) and len(rest) > 6:
            return rest, _join(case, condition(words)), optional
    return plain, case, optional


def _join(outer: str | None, inner: str | None) -> str | None:
    if outer and inner and outer.casefold() != inner.casefold():
        return f"{outer}; {inner[:1].lower()}{inner[1:]}" if not inner[:2].isupper() else f"{outer}; {inner}"
    return inner or outer


__all__ = [
    "BULLET",
    "ParsedPaper",
    "RawPaper",
    "condition",
    "is_rule",
    "is_syllable",
    "names_a_paper",
    "parse_paper",
    "parse_quantity",
    "parse_sets",
    "read_case",
    "read_form",
    "repair_count",
    "split_form",
    "split_table",
]
