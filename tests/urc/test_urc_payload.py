"""Events that announce a block of data."""

from __future__ import annotations

import json

import pytest

from pytest_quecfota import urc


@pytest.mark.parametrize(
    ("line", "length"),
    [
        (b"+QIOTEVT: 5,10210,93", 93),
        (b"+QIOTEVT:5,10200,6\r", 6),
        (b"\x00+QIOTEVT: 5,10200,6 ", 6),
        (b'+QIOTSUBEVT: "pxxxxm","123123123",5,10210,10', 10),
        (b"+QIOTSUBEVT: 5,10210,10", 10),
        (b"+QIOTEVT: 5,10210", None),
        (b"+QIOTEVT: 5,10210,0", None),
        (b"+QIOTEVT: 5,10210,65535", 65535),
        (b"+QIOTEVT: 5,10210,65536", None),
        (b"+QIOTEVT: 5,10210,999999999", None),
        (b"+QIOTEVT: 5,10211,7,1", None),
        (b"+QIOTEVT: 5,10212,7,4,abcd", None),
        (b"+QIOTEVT: 4,10210,93", None),
        (b"+QIOTEVT: 5,10210,93,1", None),
        (b"+QIOTEVT: 7,10702", None),
        (b"OK", None),
    ],
)
def test_only_unbuffered_data_announces_a_block(line: bytes, length: int | None) -> None:
    assert urc.payload_length(line) == length


@pytest.mark.parametrize("payload", [b'{"1":true}', b"\x00\xff+QIOTEVT: 7,10705\r\nOK", "数据".encode()])
def test_a_payload_stays_exact_and_its_fields_are_json(payload: bytes) -> None:
    found = urc.with_payload(urc.parse(b"+QIOTEVT: 5,10210,10", 3.0), payload)
    assert isinstance(found, urc.Event)
    assert (found.fields, found.time, found.raw) == ((10, payload), 3.0, "+QIOTEVT: 5,10210,10")
    assert json.loads(json.dumps(urc.fields(found)))["fields"][1] == payload.decode("utf-8", "backslashreplace")


def test_a_urc_that_cannot_carry_a_payload_refuses_one() -> None:
    with pytest.raises(TypeError, match="Updated carries no payload"):
        urc.with_payload(urc.Updated(), b"x")
