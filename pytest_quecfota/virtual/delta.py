"""Delta packages: a bsdiff patch from one firmware image to another, in a file that says between which.

Layout, little-endian: magic `QFWD`, layout (1), header length, length of the patch and of the target, model (16 bytes), source
version and target version (64 bytes each), SHA-256 of the source file, of the target file and of the patch, CRC-32 of the
header before it; then the patch as bsdiff 4 writes it. `quecfota delta OLD NEW -o FILE` runs `delta_main` in a process of
its own.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .image import ImageError, parse

MAGIC = b"QFWD"
_HEAD = struct.Struct("<4sHHII16s64s64s32s32s32s")
HEADER_SIZE = _HEAD.size + 4


class DeltaError(ValueError):
    """The bytes are not a sound delta package, or it does not belong to the source at hand; the text says what is wrong."""


class WrongSource(DeltaError):
    """The delta was made for another source image."""


@dataclass(frozen=True)
class Delta:
    """A delta package: what it leads from and to, and the patch."""

    model: str
    source_version: str
    target_version: str
    source_sha256: bytes
    target_sha256: bytes
    target_size: int
    patch: bytes


def make(old: bytes, new: bytes) -> bytes:
    """The delta package from image file `old` to image file `new`. Raises ImageError for unsound images,
    DeltaError where they are of different models."""
    import bsdiff4

    source, target = parse(old), parse(new)
    if source.model != target.model:
        raise DeltaError(f"the images are for different models: {source.model} and {target.model}")
    patch: bytes = bsdiff4.diff(old, new)
    head = _HEAD.pack(
        MAGIC,
        1,
        HEADER_SIZE,
        len(patch),
        len(new),
        source.model.encode(),
        source.version.encode(),
        target.version.encode(),
        hashlib.sha256(old).digest(),
        hashlib.sha256(new).digest(),
        hashlib.sha256(patch).digest(),
    )
    return head + struct.pack("<I", zlib.crc32(head)) + patch


def parse_delta(raw: bytes) -> Delta:
    """Check a delta package by itself. Raises DeltaError naming what is wrong (magic, header, length, digest)."""
    if len(raw) < HEADER_SIZE:
        raise DeltaError(f"{len(raw)} bytes are too short for a delta package (header: {HEADER_SIZE})")
    magic, layout, header_size, size, target_size, model, source, target, *digests = _HEAD.unpack_from(raw)
    if magic != MAGIC:
        raise DeltaError(f"not a delta package: begins with {magic!r}, not {MAGIC!r}")
    (crc,) = struct.unpack_from("<I", raw, _HEAD.size)
    if crc != zlib.crc32(raw[: _HEAD.size]):
        raise DeltaError("the header is damaged: its CRC does not match")
    if layout != 1 or header_size != HEADER_SIZE:
        raise DeltaError(f"header layout {layout} of {header_size} bytes is unknown")
    patch = raw[HEADER_SIZE:]
    if len(patch) != size:
        raise DeltaError(f"the package says {size} bytes of patch, the file has {len(patch)}")
    if hashlib.sha256(patch).digest() != digests[2]:
        raise DeltaError("the patch is damaged: its SHA-256 does not match")
    return Delta(_text(model), _text(source), _text(target), digests[0], digests[1], target_size, patch)


def apply(old: bytes, patch: bytes, *, check_source: bool = True, check_target: bool = True) -> bytes:
    """The target image file, from the source image file and a delta package.

    Raises WrongSource where the package was made for another source, DeltaError where it is damaged or the result is not
    the image it promises. The checks can be left out, for a module with a defect.
    """
    import bsdiff4

    delta = parse_delta(patch)
    if check_source and hashlib.sha256(old).digest() != delta.source_sha256:
        raise WrongSource(f"the delta leads from {delta.source_version}, the source at hand is another image")
    try:
        new: bytes = bsdiff4.patch(old, delta.patch)
    except (ValueError, OSError, EOFError, SystemError, MemoryError) as problem:
        raise DeltaError(f"the patch cannot be applied: {problem}") from problem
    if check_target and hashlib.sha256(new).digest() != delta.target_sha256:
        raise DeltaError("the patched image is not the one the package promises: its SHA-256 does not match")
    return new


def _text(field: bytes) -> str:
    return field.rstrip(b"\x00").decode("ascii", "replace")


def delta_main(argv: Sequence[str]) -> int:
    """`delta OLD NEW -o FILE`; exit 0, or 2 for wrong use or files that are no images."""
    parser = argparse.ArgumentParser(
        prog="quecfota delta", description="Make a delta package between two firmware images."
    )
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(argv)
    images: list[bytes] = []
    for path in (options.old, options.new):
        try:
            images.append(path.read_bytes())
            parse(images[-1])
        except (ImageError, OSError) as problem:
            print(f"quecfota delta: {path}: {problem}", file=sys.stderr)
            return 2
    try:
        options.output.write_bytes(make(*images))
    except (DeltaError, OSError) as problem:
        print(f"quecfota delta: {problem}", file=sys.stderr)
        return 2
    return 0
