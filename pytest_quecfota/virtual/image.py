"""Firmware images the virtual module accepts: a header that can be checked, and a payload.

Layout, little-endian: magic `QFWI`, header version (1), header length, payload length, model (16 bytes), version (64 bytes),
SHA-256 of the payload, CRC-32 of the header before it. `build()` makes one, always the same for the same arguments:
a payload that looks like code (it compresses as such, and two versions of a model share nearly all of it), or one given,
such as a real firmware. `quecfota image` runs `image_main` in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"QFWI"
DEFAULT_SIZE = 64 * 1024
VERSION_RULE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
"""What a version may be (IOT docs, version package dialog: letters, digits, `_`, `-`, `.`)."""
MODEL_RULE = re.compile(r"[A-Za-z0-9_.\-]{1,16}")

_HEAD = struct.Struct("<4sHHI16s64s32s")
HEADER_SIZE = _HEAD.size + 4


class ImageError(ValueError):
    """The bytes are not an image, or not a sound one, or one cannot be made so; the text says what is wrong."""


@dataclass(frozen=True)
class Image:
    """A sound firmware image: what its header says, and the payload."""

    model: str
    version: str
    payload: bytes
    raw: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the whole file, hex."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True)
class Header:
    """The header alone: enough to know what a file claims to be and how long it is."""

    model: str
    version: str
    payload_size: int
    payload_sha256: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return HEADER_SIZE + self.payload_size


def build(model: str, version: str, payload: bytes | None = None, size: int | None = None, seed: int = 0) -> bytes:
    """An image file of a model and version: with `payload`, or one made up so that the file has `size` bytes (default 64 KiB).

    Raises ImageError for a model or version that cannot be, or a size too small for the header.
    """
    if not MODEL_RULE.fullmatch(model):
        raise ImageError(f"model {model!r}: 1 to 16 letters, digits, '_', '-', '.'")
    if not VERSION_RULE.fullmatch(version):
        raise ImageError(f"version {version!r}: 1 to 64 letters, digits, '_', '-', '.'")
    if payload is not None and size is not None:
        raise ImageError("either a payload or a size, not both")
    if payload is None:
        payload = code(model, version, (DEFAULT_SIZE if size is None else size) - HEADER_SIZE, seed)
    head = _HEAD.pack(
        MAGIC,
        1,
        HEADER_SIZE,
        len(payload),
        model.encode(),
        version.encode(),
        hashlib.sha256(payload).digest(),
    )
    return head + struct.pack("<I", zlib.crc32(head)) + payload


def parse_header(raw: bytes) -> Header:
    """The header at the beginning of `raw`. Raises ImageError saying what is wrong with it."""
    if len(raw) < HEADER_SIZE:
        raise ImageError(f"{len(raw)} bytes are too short for a firmware image (header: {HEADER_SIZE})")
    magic, layout, header_size, payload_size, model, version, sha256 = _HEAD.unpack_from(raw)
    if magic != MAGIC:
        raise ImageError(f"not a firmware image: begins with {magic!r}, not {MAGIC!r}")
    (crc,) = struct.unpack_from("<I", raw, _HEAD.size)
    if crc != zlib.crc32(raw[: _HEAD.size]):
        raise ImageError("the header is damaged: its CRC does not match")
    if layout != 1 or header_size != HEADER_SIZE:
        raise ImageError(f"header layout {layout} of {header_size} bytes is unknown")
    return Header(_text(model), _text(version), payload_size, sha256)


def parse(raw: bytes) -> Image:
    """Check an image file thoroughly. Raises ImageError naming what is wrong (magic, header, length, digest)."""
    header = parse_header(raw)
    if len(raw) != header.size:
        raise ImageError(f"the image says {header.size} bytes, the file has {len(raw)}")
    payload = raw[HEADER_SIZE:]
    if hashlib.sha256(payload).digest() != header.payload_sha256:
        raise ImageError("the payload is damaged: its SHA-256 does not match")
    return Image(header.model, header.version, payload, raw)


def _text(field: bytes) -> str:
    return field.rstrip(b"\x00").decode("ascii", "replace")


# -- a payload that looks like code ----------------------------------------------------------------------------------


def code(model: str, version: str, size: int, seed: int = 0) -> bytes:
    """`size` bytes that look like firmware: functions built of recurring instruction sequences, strings, padding.

    All versions of one model, size and seed share the program; a version has its own name in it, some changed functions
    and one that is new, so that everything behind it has moved.
    """
    if size < 0:
        raise ImageError(f"a size of {size + HEADER_SIZE} bytes is too small: the header alone has {HEADER_SIZE}")
    program = _functions(random.Random(f"{model}/{size}/{seed}"), size)
    _revise(program, random.Random(f"{model}/{version}/{size}/{seed}"))
    banner = b"\x00".join((b"QuecThing virtual firmware", model.encode(), version.encode(), b""))
    return (banner + b"".join(program))[:size].ljust(size, b"\xff")


def _functions(source: random.Random, size: int) -> list[bytes]:
    """Functions of 64 to 512 bytes, together a little more than 15/16 of the size; the rest is left erased."""
    sequences = [source.randbytes(source.choice((2, 4, 4, 6, 8))) for _ in range(512)]
    weights = [1.0 / rank for rank in range(1, len(sequences) + 1)]
    functions: list[bytes] = []
    total = 0
    while total < size * 15 // 16:
        body = b"".join(source.choices(sequences, weights, k=source.randrange(16, 96)))
        functions.append(b"\x10\xb5" + body + b"\x10\xbd" + source.randbytes(2 * source.randrange(1, 6)))
        total += len(functions[-1])
    return functions


def _revise(program: list[bytes], source: random.Random) -> None:
    """What makes a version another one: about one function in twenty edited, and one added in the first half."""
    if not program:
        return
    for _ in range(max(1, len(program) // 20)):
        index = source.randrange(len(program))
        body = bytearray(program[index])
        at = source.randrange(len(body))
        body[at : at + 8] = source.randbytes(8)[: len(body) - at]
        program[index] = bytes(body)
    program.insert(source.randrange(len(program) // 2 + 1), source.randbytes(48))


# -- the process -----------------------------------------------------------------------------------------------------


def image_main(argv: Sequence[str]) -> int:
    """`image --model M --version V [--size N] [--from FILE] [--seed N] -o FILE`; exit 0, or 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="quecfota image", description="Make a firmware image the virtual module accepts."
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--version", required=True, help="letters, digits, '_', '-', '.', at most 64")
    parser.add_argument("--size", type=int, help=f"bytes of the file (default {DEFAULT_SIZE})")
    parser.add_argument("--from", dest="payload", type=Path, metavar="FILE", help="a firmware to take as the payload")
    parser.add_argument("--seed", type=int, default=0, help="another program, not another version")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(argv)
    try:
        payload = None if options.payload is None else options.payload.read_bytes()
        raw = build(options.model, options.version, payload, options.size, options.seed)
        options.output.write_bytes(raw)
    except (ImageError, OSError) as problem:
        print(f"quecfota image: {problem}", file=sys.stderr)
        return 2
    return 0
