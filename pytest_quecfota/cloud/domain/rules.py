"""What names, versions and files may look like (Developer Center documentation, "Version package")."""

from __future__ import annotations

import re

NAME_LENGTH = 100
REMARKS_LENGTH = 200
FILES = 5
FILE_SIZE = 100 * 1024 * 1024
SPECIFIED_VERSIONS = 8
LIST_LENGTH = 10_000
"""Devices of a list, after the capacity of a plan."""
VERSION = r"^[A-Za-z0-9_.\-]{1,64}$"
DEVICE_KEY = r"^[A-Za-z0-9]{4,32}$"
PRODUCT_KEY = r"^[A-Za-z0-9_\-]{1,64}$"
IDENTIFIER = r"^[!#-~](?:[ !#-~]{0,98}[!#-~])?$"
"""Component identifier: printable, no quotation marks (it travels in quotes), up to 100 characters."""
NAME = r"^[^\x00-\x1f\x7f]+$"

SUFFIXES = (
    ".tar.gz", ".bin", ".rar", ".pack", ".mini_1", ".mini_2", ".py", ".tar", ".s19", ".bin_1", ".bin_2", ".zip",
)  # fmt: skip
_VERSION = re.compile(VERSION)


def version_problem(version: str, what: str) -> str | None:
    """Why this cannot be a version, None where it can."""
    if _VERSION.match(version) and not version.endswith("\n"):
        return None
    return f"{what} {version!r}: 1 to 64 letters, digits, '_', '-' or '.' are allowed"


def file_name_problem(name: str) -> str | None:
    """Why a file of this name is not taken, None where it is."""
    if not name.lower().endswith(SUFFIXES):
        return f"{name!r} is none of the accepted formats: {' '.join(sorted(SUFFIXES))}"
    return None


def plain_file_name(name: str) -> str:
    """The last part of a path a client sent, without anything that could lead elsewhere."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:255]
