"""The counting that the load's proof rests on: a lost answer and a doubled one are seen."""

from __future__ import annotations

import asyncio

from tests.channels.crowd import REDUCED, Asked, Citizen, Crowd, ZaloCitizen, median_and_p95

HEAD, OTHER = "Đăng ký kết hôn (mã 1.000894)", "Đăng ký khai tử (mã 1.000656)"


class Quiet(Citizen):
    channel = "zalo"

    async def _send(self, text: str) -> None: ...


async def listener(*heads: str) -> tuple[Crowd, Citizen]:
    """Somebody who has asked for these."""
    crowd = Crowd.__new__(Crowd)
    crowd.loop, crowd.acknowledged_ms = asyncio.get_running_loop(), {"zalo": []}
    citizen = Quiet(crowd, [])
    citizen.asked = [Asked(head, at=0.0) for head in heads]
    crowd.citizens = [citizen]
    return crowd, citizen


async def test_what_is_heard_is_counted_for_its_question() -> None:
    crowd, citizen = await listener(HEAD, OTHER)
    for text in (f"{OTHER}\nGiấy tờ", "phần hai", f"{OTHER}\nGiấy tờ", "Xin lỗi anh/chị, hệ thống đang gặp sự cố."):
        citizen.hear_rest(text)
        citizen.hear(text)
    outcome = crowd._outcome("zalo")
    assert (outcome.asked, outcome.answered, outcome.missing, outcome.doubled) == (2, 1, 1, 1)
    assert (outcome.later, outcome.apologies, outcome.reduced) == (2, 1, 0)


async def test_a_reduced_answer_is_known_by_its_last_part() -> None:
    crowd, citizen = await listener(HEAD)
    for text in (f"{HEAD}\nphần một", f"phần hai\n(Trợ lý đang chạy ở {REDUCED}.)"):
        citizen.hear_rest(text)
        citizen.hear(text)
    outcome = crowd._outcome("zalo")
    assert (outcome.reduced, outcome.doubled, outcome.missing) == (1, 0, 0)


async def test_other_channels_are_counted_apart() -> None:
    crowd, _citizen = await listener(HEAD)
    crowd.acknowledged_ms["telegram"] = []
    assert crowd._outcome("telegram").asked == 0
    assert ZaloCitizen.channel == "zalo"


def test_median_and_p95() -> None:
    assert median_and_p95([]) == (None, None)
    assert median_and_p95([7.0]) == (7.0, 7.0)
    assert median_and_p95([float(n) for n in range(101)]) == (50.0, 95.0)
