"""Fixed answers to what is no text: they go straight into the outbox, once."""

from __future__ import annotations

from sqlalchemy import Engine

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.outbox import Outbox
from connectors.zalo.events import Followed, InfoShared, Media, NoText

_GREETING = (
    "Xin chào anh/chị! Tôi là trợ lý hướng dẫn thủ tục hành chính. Anh/chị cứ nhắn việc cần làm bằng lời thường, "
    "ví dụ: “làm giấy khai sinh cần giấy tờ gì”, hoặc nhắn mã hồ sơ để biết hồ sơ tới đâu. "
    "Anh/chị đừng gửi số hoặc ảnh giấy tờ tùy thân vào đây nhé."
)
_TEXT_ONLY = "Tôi chỉ đọc được tin nhắn chữ. Anh/chị nhắn giúp việc cần hỏi bằng chữ nhé."
_NOT_SEEN = {
    Media.IMAGE: (
        "Tôi không xem được ảnh và không lưu ảnh anh/chị gửi. Nếu đó là ảnh căn cước hay giấy tờ tùy thân, anh/chị nên xoá "
        "ảnh và đừng gửi vào đây nữa. Anh/chị nhắn giúp việc cần hỏi bằng chữ nhé."
    ),
    Media.STICKER: "Dạ, anh/chị cần hỏi thủ tục nào, nhắn giúp tôi bằng chữ nhé.",
    Media.LOCATION: (
        "Tôi không dùng được vị trí anh/chị gửi. Anh/chị nhắn giúp tên xã, phường và tỉnh bằng chữ, kèm việc cần hỏi nhé."
    ),
    Media.AUDIO: "Tôi chưa nghe được tin nhắn thoại. Anh/chị nhắn giúp việc cần hỏi bằng chữ nhé.",
    Media.BUSINESS_CARD: (
        "Tôi không lưu danh thiếp hay số điện thoại anh/chị gửi. Anh/chị nhắn giúp việc cần hỏi bằng chữ nhé."
    ),
}
_THANKS = (
    "Cảm ơn anh/chị. Trợ lý không cần và không lưu thông tin cá nhân vừa gửi. Anh/chị cần hỏi thủ tục nào, cứ nhắn nhé."
)


class Notices:
    """Puts fixed answers into the outbox. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
        channel: the channel's name.
    """

    def __init__(self, engine: Engine, key: bytes, channel: str) -> None:
        self._engine, self._outbox, self._channel = engine, Outbox(engine), channel
        self._names = Pseudonyms(key, "zalo-notice")

    def answer(self, event: NoText | Followed | InfoShared) -> None:
        """Answer an event; the same event again is answered no more."""
        match event:
            case NoText(sender, key, media):
                self._put(sender, key, _NOT_SEEN.get(media, _TEXT_ONLY))
            case Followed(sender):
                # Following and opening the chat are two events, often within a second: one greeting a day is enough.
                self._put(sender, f"greeting {vietnam_now():%Y-%m-%d}", _GREETING)
            case InfoShared(sender, key):
                self._put(sender, key, _THANKS)

    def _put(self, sender: str, key: str, text: str) -> None:
        with self._engine.begin() as connection:
            self._outbox.put(
                connection,
                channel=self._channel,
                recipient=sender,
                reply=Reply(text=text, status="small_talk"),
                dedupe_key=f"zalo:{self._names.of(sender, key)}",
                now=vietnam_now(),
            )
