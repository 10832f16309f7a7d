from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.timeline.redaction import MASK, Redactor

letters = st.text("abc", min_size=1, max_size=5)


@given(secrets=st.lists(letters, max_size=3), pieces=st.lists(st.text("abcd\n", max_size=8), max_size=12))
def test_a_stream_in_pieces_is_masked_as_if_it_came_at_once(secrets: list[str], pieces: list[str]) -> None:
    redactor = Redactor(secrets)
    written = b"".join(redactor.stream(piece.encode()) for piece in pieces) + redactor.flush()
    longest_first = "|".join(re.escape(s) for s in sorted(set(secrets), key=lambda s: (-len(s), s)))
    whole = "".join(pieces)
    assert written.decode() == (re.sub(longest_first, MASK, whole) if secrets else whole)
    assert not any(secret in written.decode() for secret in secrets)


@given(secret=st.text("abc", min_size=2, max_size=5), pieces=st.lists(st.text("abcd", max_size=6), max_size=8))
def test_no_more_is_kept_back_than_may_begin_a_secret(secret: str, pieces: list[str]) -> None:
    redactor = Redactor([secret])
    kept = b""
    for piece in pieces:
        kept += piece.encode()
        redactor.stream(piece.encode())
        assert len(redactor._held) < len(secret)
        assert secret.encode().startswith(redactor._held)


def test_what_cannot_be_a_secret_is_given_at_once() -> None:
    redactor = Redactor(["p1Secret"])
    assert redactor.stream(b"\r\nOK\r\n") == b"\r\nOK\r\n"
    assert redactor.stream(b"pk p1Se") == b"pk "
    assert redactor.stream(b"ven\r\n") == b"p1Seven\r\n"


def test_texts_within_values_are_masked_wherever_they_are() -> None:
    redactor = Redactor(["p1Secret"])
    value = {"command": 'AT+QIOTCFG="productinfo","p1Secret"', "lines": ["+X: p1Secret", ("p1Secret",)], "n": 1}
    assert "p1Secret" not in repr(redactor.value(value))
    assert redactor.value(value) == {
        "command": 'AT+QIOTCFG="productinfo","***"',
        "lines": ["+X: ***", ["***"]],
        "n": 1,
    }


def test_without_secrets_nothing_is_touched() -> None:
    redactor = Redactor(["", ""])
    assert not redactor.active
    assert redactor.stream(b"anything") == b"anything"
    assert redactor.flush() == b""
