"""The tables behind the vocabulary: complete, consistent, and reachable by parse and explain."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc
from pytest_quecfota.urc import dfota_table, event_table

DOCUMENTED = {
    1: [10200, 10300, 10404, 10421, 10422, 10423, 10424, 10425, 10427, 10431, 10433, 10434, 10440, 10450, 10500,
        10420, 10426, 10430, 10432, 10466, 10436, 10438],
    2: [10200, 10404, 10430, 10431, 10433, 10434, 10437, 10438, 10441, 10450, 10471, 10473, 10474, 10475, 10476, 10477,
        10478, 10500],
    3: [10200, 10300],
    4: [10200, 10210, 10220, 10230, 10240, 10250, 10300, 10310, 10320, 10330, 10340, 10350, 10400, 10410, 10420],
    5: [10200, 10210, 10211, 10212, 10220, 10230, 10428, 10473],
    6: [10200, 10201],
    7: [*range(10700, 10709)],
    8: [10428, 10429, 10442],
    9: [10200, 10300],
    10: [10200],
    30: [0, 1, 2, 3, 10, 11, 12, 13, 20],
}  # fmt: skip
EVENTS = sorted(event_table.EVENTS.items())


def test_the_event_table_holds_exactly_the_documented_codes() -> None:
    assert set(event_table.EVENTS) == {(type_, code) for type_, codes in DOCUMENTED.items() for code in codes}
    assert set(event_table.TYPES) == set(DOCUMENTED)


@pytest.mark.parametrize(("pair", "info"), EVENTS, ids=[f"{pair[0]},{pair[1]}" for pair, _ in EVENTS])
def test_every_event_is_typed_named_and_explained(pair: tuple[int, int], info: event_table.EventInfo) -> None:
    assert info.name
    assert info.meaning
    assert info.cause
    assert info.scope in {"all", "cellular", "nb", "old"}
    data = ',"BC25","","2_0",30,-113,2563' if pair == (7, 10700) else ""
    found = urc.parse(f"+QIOTEVT: {pair[0]},{pair[1]}{data}")
    assert type(found) is not urc.Unknown
    text = urc.explain(found)
    assert f"({pair[0]},{pair[1]})" in text
    assert info.meaning in text
    assert info.cause in text
    sub = urc.parse(f'+QIOTSUBEVT: "pk","dk",{pair[0]},{pair[1]}')
    assert type(sub) is (urc.SubDeviceTimedOut if pair == (7, 10708) else urc.SubDeviceEvent)
    assert info.meaning in urc.explain(sub)


@pytest.mark.parametrize("stage", sorted(dfota_table.STAGES))
def test_every_dfota_stage_is_parsed_and_explained(stage: str) -> None:
    found = urc.parse(f'+QIND: "FOTA","{stage}"')
    assert found == urc.Dfota(stage)
    assert dfota_table.STAGES[stage] in urc.explain(found)


@pytest.mark.parametrize(
    ("stage", "codes"),
    [
        ("HTTPEND", [0, *range(701, 731)]),
        ("FTPEND", [0, *range(601, 630)]),
        ("FILEEND", [0, 500]),
        ("END", [0, 1, 501, 502, 504, 505, 506, 507, 510, 511, *range(520, 531), *range(540, 547), 552, 553]),
    ],
)
def test_every_documented_result_code_is_explained(stage: str, codes: list[int]) -> None:
    for code in codes:
        text = dfota_table.RESULTS[stage][code]
        assert text in urc.explain(urc.Dfota(stage, code))
    assert set(dfota_table.RESULTS[stage]) - set(codes) <= {12}


def test_result_codes_of_another_table_are_explained_too() -> None:
    assert "closed by the peer" in urc.explain(urc.Dfota("HTTPEND", 608))
    assert "not documented" in urc.explain(urc.Dfota("HTTPEND", 999))


def test_progress_is_told_in_per_cent() -> None:
    assert urc.explain(urc.Dfota("UPDATING", 66)).endswith(": 66 %")
    assert "a stage no guide lists" in urc.explain(urc.Dfota("UNHEARD", 1))


@pytest.mark.parametrize("name", [name for name in urc.__all__ if name[0].isupper() and not name.isupper()])
def test_every_exported_class_is_a_frozen_urc(name: str) -> None:
    kind = getattr(urc, name)
    if name != "Value":
        assert issubclass(kind, urc.Urc)
        assert kind.__dataclass_params__.frozen
        assert kind.__doc__


def test_an_undocumented_event_is_explained_as_such() -> None:
    assert urc.explain(urc.parse("+QIOTEVT: 77,1")).startswith("Event (77,1): not documented (unknown type)")
    assert "searching" in urc.explain(urc.parse("+CEREG: 2"))
    assert "home network" in urc.explain(urc.parse("+CEREG: 0,1"))
    assert "full functionality" in urc.explain(urc.parse("+CFUN: 1"))
    assert urc.explain(urc.Unknown(raw="x")).startswith("Unknown")
