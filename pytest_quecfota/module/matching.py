"""What the platform's plan promised against what the module says: the offer, and the digests of a host's file."""

from __future__ import annotations

import hashlib
import zlib

from pytest_quecfota import urc
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.errors import ModuleError


def check_offer(offer: urc.UpgradeOffered, plan: Plan) -> None:
    """Compare 10700 with what the plan says (OTA-01, PLAN-05).

    Raises:
        ModuleError: naming each field that differs.
    """
    due = plan.offer
    wrong = [
        f"{name} is {got!r}, due {wanted!r}"
        for name, got, wanted in (
            ("component", offer.component, due.component),
            ("target version", offer.target_version, due.target_version),
            ("battery", offer.min_battery, due.min_battery),
            ("signal", offer.min_signal, due.min_signal),
            ("size", offer.size, due.size),
        )
        if wanted is not None and got != wanted
    ]
    if offer.source_version not in due.source_versions:
        wrong.append(f"source version is {offer.source_version!r}, due {' or '.join(map(repr, due.source_versions))}")
    if wrong:
        raise ModuleError(f"the offer (7,10700) is not what the plan says: {'; '.join(wrong)} (OTA-01)")


def check_digests(started: urc.DownloadStarted, content: bytes, crc: str = "zlib") -> None:
    """Compare length and digests of 10701 with the bytes read (SOTA-02); what 10701 does not carry is not compared.

    The CRC is compared where the model's option `crc` says that it is the one of zlib.

    Raises:
        ModuleError: naming each that differs.
    """
    found = {
        "length": (started.size, len(content)),
        "MD5": (started.md5 and started.md5.lower(), hashlib.md5(content).hexdigest()),
        "CRC": (started.crc if crc == "zlib" else None, zlib.crc32(content)),
        "SHA-256": (started.sha256 and started.sha256.lower(), hashlib.sha256(content).hexdigest()),
    }
    wrong = [f"{name} is {real}, 10701 said {said}" for name, (said, real) in found.items() if said not in {None, real}]
    if wrong:
        raise ModuleError(f"the file read is not the file announced: {'; '.join(wrong)} (SOTA-02)")
