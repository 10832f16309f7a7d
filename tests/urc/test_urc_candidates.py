"""The search for URC lines in a chunk finds all of them, wherever they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from urc_lines import TYPED, render

from pytest_quecfota import urc

FOREIGN = st.sampled_from(
    [b"[1] D/net: RDY +QIOTEVT: 7,10705", b"OK", b"", b"APP", b"+CSQ: 16,99", b"\x00\xff", b"x" * 80]
)
NOISE = st.text(" \t\r\x00\xff", max_size=4).map(lambda text: text.encode("latin-1"))


@given(TYPED, NOISE)
def test_the_candidate_pattern_matches_every_typed_line(found: urc.Urc, noise: bytes) -> None:
    line = noise + render(found).encode()
    assert not isinstance(urc.parse(line), urc.Unknown)
    assert urc.CANDIDATE.match(line)
    chunk = b"foreign\r\n" + line
    assert urc.CANDIDATE.search(chunk)
    assert urc.NEXT_LINE.search(chunk)


@given(st.binary(max_size=60))
def test_no_line_that_parse_types_escapes_the_candidate_pattern(line: bytes) -> None:
    line = line.replace(b"\n", b"")
    if not isinstance(urc.parse(line), urc.Unknown):
        assert urc.CANDIDATE.match(line)


@given(st.lists(FOREIGN | TYPED, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r\r\n"]), st.booleans())
def test_candidates_finds_each_typed_line_of_a_chunk_once(
    parts: list[bytes | urc.Urc], end: bytes, leading: bool
) -> None:
    lines = [part if isinstance(part, bytes) else render(part).encode() for part in parts]
    chunk = (end if leading else b"") + end.join(lines)
    expected = [line for line in chunk.split(b"\n") if not isinstance(urc.parse(line), urc.Unknown)]
    found = [chunk[offset:].lstrip(b" \t\r\n\x00\xff").partition(b"\n")[0] for offset in urc.candidates(chunk)]
    typed = [line for line in found if not isinstance(urc.parse(line), urc.Unknown)]
    assert [urc.parse(line) for line in typed] == [urc.parse(line) for line in expected]
    offsets = [match.start() for match in urc.CANDIDATE.finditer(chunk)]
    assert len(offsets) == len(found)


def test_words_in_the_middle_of_a_foreign_line_are_no_candidates() -> None:
    assert list(urc.candidates(b"wait for RDY\r\nsaw +QIOTEVT: 7,10705\r\n")) == []
