"""How each family of modules plays AT+QFOTADL: which words it prints, with which values, and how it names a failure.

Data only. Sources: Quectel LTE Standard(A) DFOTA guide V1.5, EC2x/EG9x and EP06 guides V1.0, BG96 guide V1.0 (also taken for
BG95), a forum thread for BC660K-GL. Nothing public tells of BC25, which therefore has no such command; the
codes of BG95 are our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """One way to play it.

    `download_step`, `update_step`: per cent between two DOWNLOADING and UPDATING lines, 0 for none. `sign`: what follows a
    percentage. `restores`: UPDATING is followed by RESTORE, which goes on after a power cut. `tells_update`: START, progress and
    END come after the restart. `counts`: the command takes how many progress lines it prints. `codes`: END by cause.
    `download_code`: the one code of a failed download, 0 where there is a table of them.
    """

    models: tuple[str, ...]
    codes: Mapping[str, int]
    longest_url: int = 255
    download_step: int = 0
    update_step: int = 8
    sign: str = ""
    restores: bool = False
    tells_update: bool = True
    counts: bool = False
    download_code: int = 0


FAMILIES = (
    Family(
        ("EC200U", "EC800K"),
        {"damaged": 505, "project": 552, "source": 507, "failed": 504},
        download_step=5,
        counts=True,
    ),
    Family(("EC25", "EG91"), {"damaged": 505, "project": 510, "source": 510, "failed": 504}),
    Family(("BG95-M3",), {"damaged": 505, "project": 510, "source": 510, "failed": 504}, sign="%", restores=True),
    Family(("BC660K-GL",), {"failed": 504}, download_step=19, sign="%", tells_update=False, download_code=12),
)


def family_of(model: str) -> Family | None:
    """The family of a model; None where nothing is known of such a command."""
    return next((family for family in FAMILIES if model in family.models), None)
