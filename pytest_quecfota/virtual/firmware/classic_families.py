"""How each family of modules plays AT+QFOTADL: where it takes a package from, which words it prints, how it names a failure.

Data only. Sources: Quectel LTE Standard(A) DFOTA guide V1.5 (also for the small-flash MiniFOTA), EC2x/EG9x guide V1.0, BG96 guide
V1.0 (also taken for BG95), a forum thread for BC660K-GL. Nothing public tells of BC25, which therefore has no such command. Our
choice, where the guides are silent: the codes of BG95, FTP for EC2x/EG9x (the guide says "url"), 502 after the fifth attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HTTP, HTTPS, FTP = "http", "https", "ftp"
UPLOAD = "upload"
"""`FILE:<length>`: the package follows on the serial line."""
PATH = "path"
"""The name of a file in the module's file system."""
FIXED = "fixed"
"""`=1`: the file of a fixed name."""


@dataclass(frozen=True)
class Family:
    """One way to play it.

    `ways`: where a package comes from. `codes`: END by cause. `parts`: endings of the files a package is made of. `downloads`:
    most DOWNLOADING lines (0: none), `numbered` where their value counts them instead of the per cent. `updates`: most UPDATING
    lines. `sign`: what follows a percentage. `restores`: UPDATING is followed by RESTORE, which goes on after a cut.
    `tells_update`: progress and END come after the restart. `tells_start`: START comes first. `counts`: the command takes mode and
    numbers of lines. `download_code`: the one code of a failed download, 0 for the tables. `attempts`: how often an installation is
    begun until the backup is restored, 0 for ever.
    """

    models: tuple[str, ...]
    ways: tuple[str, ...]
    codes: Mapping[str, int]
    longest_url: int = 255
    parts: tuple[str, ...] = ("",)
    downloads: int = 0
    numbered: bool = False
    updates: int = 12
    sign: str = ""
    restores: bool = False
    tells_update: bool = True
    tells_start: bool = True
    counts: bool = False
    download_code: int = 0
    attempts: int = 0
    fixed_file: str = "update.zip"

    @property
    def small(self) -> bool:
        """Whether it is a MiniFOTA: two files, a mini system that installs them, four restarts."""
        return len(self.parts) > 1

    @property
    def files(self) -> bool:
        """Whether the host can put a file into the module."""
        return PATH in self.ways or FIXED in self.ways


_STANDARD_A = {"damaged": 505, "md5": 506, "source": 507, "project": 552, "failed": 504}
_EC2X = {"damaged": 510, "source": 510, "project": 510, "failed": 502, "room": 511}

FAMILIES = (
    Family(("EC200U",), (HTTP, HTTPS, FTP, UPLOAD), _STANDARD_A, downloads=50, numbered=True, counts=True),
    Family(
        ("EC800K",),
        (HTTP, HTTPS, FTP),
        _STANDARD_A,
        longest_url=128,
        parts=(".mini_1", ".mini_2"),
        updates=25,
        tells_start=False,
    ),
    Family(("EC25", "EG91"), (HTTP, HTTPS, FTP, PATH), _EC2X, attempts=5),
    Family(
        ("BG95-M3",),
        (HTTP, HTTPS, FIXED),
        {"damaged": 505, "source": 510, "project": 510, "failed": 504},
        updates=10,
        sign="%",
        restores=True,
    ),
    Family(("BC660K-GL",), (HTTP,), {"failed": 504}, downloads=5, sign="%", tells_update=False, download_code=12),
)


def family_of(model: str) -> Family | None:
    """The family of a model; None where nothing is known of such a command."""
    return next((family for family in FAMILIES if model in family.models), None)
