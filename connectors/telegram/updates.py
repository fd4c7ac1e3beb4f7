"""What an update of the Bot API means to us.

Only text is read. Pictures, files, voice, places and the like are never fetched: a polite notice says so, and what was
written under a picture is answered. In groups the bot is silent unless it is mentioned, commanded by name or replied to,
and sends people to a talk of their own for what others need not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from telegram import CallbackQuery, ChatMemberUpdated, Message, Update
from telegram.constants import ChatMemberStatus, ChatType

from actions.dossiers.codes import find_codes
from connectors.telegram import payloads
from connectors.telegram.addresses import Address, Id

ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
"""The kinds of updates that Telegram is asked for."""

_CHECKED = ConfigDict(strict=True)  # the library takes any JSON for an update; what goes on from here has right types
_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
_ONLY_TEXT = "Tôi chỉ đọc được chữ. Anh/chị gõ câu hỏi giúp ạ."
_NO_PICTURES = (
    "Tôi chỉ đọc được chữ, nên không mở ảnh hay tệp anh/chị gửi. Anh/chị gõ câu hỏi giúp ạ. "
    "Anh/chị đừng gửi ảnh giấy tờ tùy thân như căn cước, hộ chiếu vào đây nhé."
)
_NO_VOICE = "Tôi chưa nghe được tin thoại. Anh/chị gõ câu hỏi bằng chữ giúp ạ."
_NO_PLACES = "Tôi chưa đọc được vị trí trên bản đồ. Anh/chị gõ tên xã, phường và tỉnh, thành phố giúp ạ."
_NO_CONTACTS = "Anh/chị không cần gửi số điện thoại hay danh bạ vào đây; tôi không đọc và không lưu. " + _ONLY_TEXT
_NOTICES = {
    "photo": _NO_PICTURES,
    "document": _NO_PICTURES,
    "animation": _NO_PICTURES,
    "video": _NO_PICTURES,
    "video_note": _NO_PICTURES,
    "voice": _NO_VOICE,
    "audio": _NO_VOICE,
    "venue": _NO_PLACES,
    "location": _NO_PLACES,
    "contact": _NO_CONTACTS,
}
_IN_PRIVATE = "Việc này anh/chị nhắn riêng cho tôi để người khác trong nhóm không thấy: {link}"


@dataclass(frozen=True, config=_CHECKED)
class Me:
    """The bot itself."""

    id: int
    username: str


@dataclass(frozen=True, config=_CHECKED)
class Notice:
    """Something to say about a message that cannot be read; ``kind`` is said once a minute at most."""

    kind: str
    text: str


@dataclass(frozen=True, config=_CHECKED)
class Question:
    """A message to the bot: ``text`` for the talk, empty where only the notice is to be given."""

    address: Address = field(repr=False)
    message_id: Id
    text: str = field(repr=False)
    notice: Notice | None = None
    edited: bool = False


@dataclass(frozen=True, config=_CHECKED)
class Press:
    """A pressed button; without ``address`` its message is too old for Telegram to tell."""

    query_id: str
    address: Address | None = field(repr=False)
    message_id: Id
    data: str = field(repr=False)
    label: str = field(repr=False)


@dataclass(frozen=True, config=_CHECKED)
class Membership:
    """Whether a chat can be written to from now on."""

    chat_id: Id = field(repr=False)
    reachable: bool


@dataclass(frozen=True, config=_CHECKED)
class Moved:
    """A group became a supergroup."""

    chat_id: Id = field(repr=False)
    new_chat_id: Id = field(repr=False)


Heard = Question | Press | Membership | Moved


def in_group(update: Update) -> bool:
    """Whether reading this update needs the bot's name."""
    message = update.message or update.edited_message
    return message is not None and message.chat.type in _GROUPS


def read(update: Update, me: Me | None) -> Heard | None:
    """What an update means; None where it is nothing to us.

    Args:
        update: as received, from whomever has proved to be Telegram.
        me: the bot; may be None where :func:`in_group` is false.

    Raises:
        Exception: of any kind, for what Telegram would never send.
    """
    if update.callback_query:
        return _press(update.callback_query)
    if update.my_chat_member:
        return _membership(update.my_chat_member)
    if message := update.message or update.edited_message:
        return _message(message, update.edited_message is not None, me)
    return None


def _message(message: Message, edited: bool, me: Me | None) -> Question | Moved | None:
    if message.migrate_to_chat_id:
        return Moved(message.chat.id, message.migrate_to_chat_id)
    if message.from_user is None or message.from_user.is_bot:
        return None
    if message.chat.type == ChatType.PRIVATE:
        return _private(message, edited)
    if message.chat.type in _GROUPS and me:
        return _group(message, edited, me)
    return None


def _private(message: Message, edited: bool) -> Question | None:
    text = message.text or message.caption or ""
    if command := payloads.command(text):
        name, _, words = command
        text = payloads.said(name, words) or text
    return _question(message, Address(message.chat.id), text, edited)


def _group(message: Message, edited: bool, me: Me) -> Question | None:
    assert message.from_user is not None
    address = Address(message.chat.id, message.from_user.id)
    text = message.text or message.caption or ""
    command = payloads.command(text)
    if command and command[1] and command[1] != me.username.lower():
        return None  # another bot's
    named = (command is not None and command[1] != "") or _mentions(message, me)
    if not named and not _answers(message, me):
        return None
    said = payloads.said(command[0], command[2]) if command else None
    text = said or _without_mentions(message, text, me)
    if _is_private(text):
        link = payloads.deep_link(me.username, payloads.DOSSIER_START)
        return Question(address, message.message_id, "", Notice("private", _IN_PRIVATE.format(link=link)), edited)
    return _question(message, address, text, edited)


def _question(message: Message, address: Address, text: str, edited: bool) -> Question | None:
    notice = None if edited else _notice(message)
    if not text.strip() and not notice:
        return None  # somebody joined, a title was changed: nobody asked
    return Question(address, message.message_id, text.replace("\0", " "), notice, edited)


def _notice(message: Message) -> Notice | None:
    if message.effective_attachment is None:
        return None
    for kind, text in _NOTICES.items():
        if getattr(message, kind):
            return Notice(kind, text)
    return Notice("other", _ONLY_TEXT)


def _is_private(text: str) -> bool:
    if text.startswith((payloads.DOSSIER, payloads.FEEDBACK, payloads.SURVEY, payloads.OPINION)):
        return True
    return bool(find_codes(text).codes)


def _answers(message: Message, me: Me) -> bool:
    earlier = message.reply_to_message
    return earlier is not None and earlier.from_user is not None and earlier.from_user.id == me.id


def _mentions(message: Message, me: Me) -> bool:
    return any(True for _ in _mentioned(message, me))


def _mentioned(message: Message, me: Me) -> Iterator[str]:
    found = message.parse_entities() if message.text else message.parse_caption_entities()
    for entity, words in found.items():
        by_name = entity.type == "mention" and words.lower() == f"@{me.username}".lower()
        if by_name or (entity.type == "text_mention" and entity.user and entity.user.id == me.id):
            yield words


def _without_mentions(message: Message, text: str, me: Me) -> str:
    for words in _mentioned(message, me):
        text = text.replace(words, " ")
    return text.strip()


def _press(query: CallbackQuery) -> Press:
    message = query.message
    if message is None:
        return Press(query.id, None, 0, query.data or "", "")
    private = message.chat.type == ChatType.PRIVATE
    address = Address(message.chat.id, None if private else query.from_user.id)
    return Press(query.id, address, message.message_id, query.data or "", _label(query))


def _label(query: CallbackQuery) -> str:
    """The pressed button's words; empty where the message is too old for Telegram to send it along."""
    markup = query.message.reply_markup if isinstance(query.message, Message) else None
    buttons = [button for row in markup.inline_keyboard for button in row] if markup else []
    return next((button.text for button in buttons if button.callback_data == query.data), "")


def _membership(change: ChatMemberUpdated) -> Membership | None:
    if change.chat.type == ChatType.CHANNEL:
        return None
    away = change.new_chat_member.status in (ChatMemberStatus.BANNED, ChatMemberStatus.LEFT)
    return Membership(change.chat.id, not away)
