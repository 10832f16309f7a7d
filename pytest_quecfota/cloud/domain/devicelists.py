"""White and black lists as files: one device key a line, as spreadsheets and text editors write them.

The documents say that lists can be imported, not how such a file looks: the first column counts, whatever separates it
from a second one, and a heading, empty lines, a byte order mark and repeated keys are let pass.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from . import rules

HEADING = "DeviceKey"
_KEY = re.compile(rules.DEVICE_KEY)
_HEADINGS = {"devicekey", "device key", "dk", "imei"}
_SHOWN_PROBLEMS = 5


def read(content: bytes) -> list[str]:
    """The device keys of a file, each once, in their order; raises ValueError naming the lines that hold none."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"the list is not text in UTF-8: byte {error.start}") from None
    found: dict[str, None] = {}
    wrong = []
    for number, line in enumerate(lines, start=1):
        first = re.split(r"[,;\t]", line.strip(), maxsplit=1)[0].strip().strip('"').strip()
        if not first or (number == 1 and first.lower() in _HEADINGS):
            continue
        if not (_KEY.match(first) and first.isascii()):
            wrong.append(f"line {number}: {first[:40]!r}")
        found[first] = None
    if wrong:
        more = f" and {len(wrong) - _SHOWN_PROBLEMS} more" if len(wrong) > _SHOWN_PROBLEMS else ""
        shown = ", ".join(wrong[:_SHOWN_PROBLEMS])
        raise ValueError(f"a device key is 4 to 32 letters or digits; {shown}{more}")
    if len(found) > rules.LIST_LENGTH:
        raise ValueError(f"a list has at most {rules.LIST_LENGTH} devices, this one has {len(found)}")
    return list(found)


def written(keys: Iterable[str]) -> str:
    """A list as a file that `read` takes."""
    return table([HEADING], [[key] for key in keys])


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180); no cell can be taken for a formula, whatever a device has reported."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
