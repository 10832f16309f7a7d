"""Responses that carry raw data, by the command that asks for them.

`+QIOTOTARD: <start>,<length>`, `+QIOTRD: <length>,<remaining>,<pieces>` and `+QIOTMODELRD: …` likewise: IOT docs, module AT
commands, pages on OTA and data interaction. The data begins right behind the header line.
"""

from __future__ import annotations

import re

from pytest_quecfota.link.frames import BlockRule

OTA = BlockRule(re.compile(rb"\+QIOTOTARD: ?(\d{1,10}), ?(\d{1,7})\s*"), length=2)
"""The answer to AT+QIOTOTARD=<start>,<length>."""

PASSTHROUGH = BlockRule(re.compile(rb"\+QIOTRD: ?(\d{1,7}), ?\d+, ?\d+\s*"))
"""The answer to AT+QIOTRD=<length>."""

MODEL = BlockRule(re.compile(rb"\+QIOTMODELRD: ?(\d{1,7}), ?\d+, ?\d+\s*"))
"""The answer to AT+QIOTMODELRD=<length>."""

ANY = BlockRule(
    re.compile(
        rb"(?:\+QIOTOTARD: ?\d{1,10}, ?(?=\d{1,7}\s*$)|\+QIOT(?:MODEL)?RD: ?(?=\d{1,7}, ?\d+, ?\d+\s*$))(\d{1,7})[, \d]*\s*"
    )
)
"""Any of them: for who does not know what was asked."""
