"""Deep links that QR codes hold."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.telegram.payloads import deep_link, procedure_start, said


@given(st.from_regex(r"[0-9]\.[0-9]{6}(\.[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2})?", fullmatch=True))
def test_a_procedures_link_leads_to_it(code: str) -> None:
    payload = procedure_start(code)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
    spoken = said("start", payload)
    assert spoken and json.loads(spoken.removeprefix("/choose_option")) == {"choice": code}


@pytest.mark.parametrize("code", ["", "x", "1.00/1", "1." + "0" * 80])
def test_a_code_that_no_link_can_carry(code: str) -> None:
    with pytest.raises(ValueError):
        procedure_start(code)


def test_the_link_opens_the_bot() -> None:
    assert deep_link("motcua_bot", procedure_start("1.001193")) == "https://t.me/motcua_bot?start=p_1_001193"


@given(st.text(max_size=80))
def test_no_start_payload_says_anything_but_what_is_ours(payload: str) -> None:
    spoken = said("start", payload)
    allowed = r'xin chào|/dossier_status|/choose_option\{"choice": "[0-9A-Z.]+"\}|/start_survey\{"survey": "[a-z]+"\}'
    assert spoken and re.fullmatch(allowed, spoken)
