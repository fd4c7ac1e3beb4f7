"""The card to read aloud says what the bot says; cases and places only choose among it."""

from __future__ import annotations

from fastapi import FastAPI

from actions.procedures import Message, ProcedureTalk, Talk
from connectors.console.hotline import card
from connectors.staff.roles import Role
from knowledge.answers import TITLES
from knowledge.procedure import DocumentRequirement, Procedure
from tests.connectors.console.desk import BIRTH
from tests.signed_in import signed_in_client

API = "/api/v1/console"


def test_the_facts_are_the_bots_for_fifty_procedures(hotline: FastAPI, talk: ProcedureTalk) -> None:
    client = signed_in_client(hotline, Role.AGENT)
    codes = sorted(one.code for one in talk.engine.index.cards)[:50]
    assert len(codes) == 50
    for code in codes:
        shown = client.get(f"{API}/procedures/{code}").json()
        parts = {part["field"]: part for part in shown["parts"]}
        assert set(parts) == set(TITLES)
        for field in TITLES:
            reply, _ = talk.respond(Message("", choice=code, fields=[field]), Talk())
            (said,) = reply.card["parts"]  # type: ignore[index, misc]
            assert (said["lines"], said["published"]) == (parts[field]["lines"], parts[field]["published"]), (
                code,
                field,
            )
            assert [source["line"] for source in reply.sources] == [source["line"] for source in shown["sources"]]
            if reply.card["pages"] == 1:  # type: ignore[index]
                assert all(line in shown["text"] for line in said["lines"]), (code, field)


def test_a_case_leaves_out_what_belongs_to_others(hotline: FastAPI, talk: ProcedureTalk) -> None:
    client = signed_in_client(hotline, Role.AGENT)
    code = next(one.code for one in talk.engine.index.cards if len(talk.catalogue.get(one.code).cases) > 1)  # type: ignore[union-attr]
    everything = client.get(f"{API}/procedures/{code}").json()
    first = client.get(f"{API}/procedures/{code}", params={"case": 1}).json()
    assert first["case"] == 1
    assert first["cases"] == everything["cases"]
    procedure = talk.catalogue.get(code)
    assert procedure
    others = [d.name for d in procedure.documents if d.case and d.case != procedure.cases[0]]
    for name in set(others) - {d.name for d in procedure.documents if d.case in (None, procedure.cases[0])}:
        assert name.rstrip(" .;,") not in " ".join(first["parts"][0]["lines"])
    assert client.get(f"{API}/procedures/{code}", params={"case": 900}).status_code == 404


def test_what_everybody_needs_is_in_every_case() -> None:
    procedure = Procedure(
        code=BIRTH,
        name="Đăng ký khai sinh",
        documents=[
            DocumentRequirement(name="Tờ khai"),
            DocumentRequirement(name="Giấy ủy quyền", case="Ủy quyền"),
            DocumentRequirement(name="Biên bản", case="Trẻ bị bỏ rơi"),
        ],
    )
    assert [d.name for d in card.in_case(procedure, "Ủy quyền").documents] == ["Tờ khai", "Giấy ủy quyền"]
    assert len(procedure.documents) == 3


def test_a_place_is_understood_by_present_and_former_names(hotline: FastAPI) -> None:
    client = signed_in_client(hotline, Role.AGENT)

    def place(text: str) -> tuple[int, dict[str, object]]:
        response = client.get(f"{API}/procedures/{BIRTH}/place", params={"q": text})
        return response.status_code, response.json()

    status, found = place("Bình Dương")
    assert (status, found["province"], found["code"], found["own"]) == (200, "Hồ Chí Minh", BIRTH, False)
    status, found = place("phường Hải Châu, Đà Nẵng")
    assert (found["province"], found["commune"]) == ("Đà Nẵng", "Phường Hải Châu")
    assert place("nơi nào đó")[0] == 404
    assert client.get(f"{API}/procedures/9.999999/place", params={"q": "Huế"}).status_code == 404
    assert client.get(f"{API}/procedures/%00").status_code == 404
