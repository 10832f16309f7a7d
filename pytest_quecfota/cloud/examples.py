"""Examples of everything the API sends and takes, by the name of the model; `openapi` puts them into the description.

They belong together: one product, one meter, one upgrade that is being downloaded.
"""

from __future__ import annotations

from typing import Any

CREATED = "2026-01-31T08:00:00.000+00:00"
DK, PK, COMPONENT = "866123450000017", "p1a2b3c4", "BC25"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MD5, CRC, SIZE = "098f6bcd4621d373cade4e832627b4f6", 3632233996, 262144
OLD, NEW = "BC25_FOTA_V1_0", "BC25_FOTA_V2_0"

_READINGS = {"battery": 80, "signal": -85, "voltage_mv": 3300, "free_space": 500000}
_STRATEGY = {"retries": 5, "min_signal": -113, "min_battery": 30, "platform_filter": False}
_FILE = {"name": "v2.bin", "size": SIZE, "sha256": SHA256, "md5": MD5, "crc": CRC}
_VERIFICATION = {"id": "1", "package": "1", "dk": DK, "component": COMPONENT, "state": "Verifying", "started": CREATED}
_VERIFICATION["deadline"] = "2026-01-31T09:00:00.000+00:00"
_COUNTS = {"devices": 3, "upgraded": 1, "failed": 1, "upgrading": 1, "not_upgraded": 0, "no_update_required": 0}
_PLANNED: dict[str, Any] = {"identifier": COMPONENT, "type": "module", "package": "1", "package_type": "full"}
_PLANNED |= {"target_version": NEW, "source_version": "", "specified_versions": [OLD], "size": SIZE}
_SIGNED = {"product_key": PK, "device_key": DK, "nonce": "6f1d", "signature": SHA256}
_VERSIONS = {"module_version": OLD, "mcu_versions": {"STM32": "1_0_0"}}
_TASK = {"task": "1", "component": COMPONENT, "type": "module", "source_version": "", "target_version": NEW}
_TASK |= {"package_type": "full", "min_battery": 30, "min_signal": -113, "size": SIZE}  # type: ignore[dict-item]
_STATE = {"identifier": COMPONENT, "type": "module", "source_version": OLD, "target_version": NEW}
_STATE |= {"status": "Downloading", "progress": 32}  # type: ignore[dict-item]
_FIRMWARE = {**_FILE, "url": f"/south/v1/files/{SHA256}", "package_type": "full"}

EXAMPLES: dict[str, Any] = {
    "Accepted": {"firmware": _FIRMWARE},
    "Answer": {"code": 200, "msg": "", "data": None},
    "Clock": {"now": CREATED, "speed": 60.0, "settable": True},
    "Component": {"id": "1", "name": "modem", "identifier": COMPONENT, "type": "module", "created": CREATED},
    "ComponentState": _STATE,
    "ConnectIn": {**_SIGNED, **_VERSIONS, "status": _READINGS, "model": "BC25"},
    "Connected": {"session": "q3Zb0c7VxJkLr1Yt"},
    "Counts": _COUNTS,
    "Device": {
        "id": "1",
        "dk": DK,
        "online": True,
        "status": "Activated",
        "model": "BC25",
        **_READINGS,
        "versions": {"module": OLD, "mcu": {"STM32": "1_0_0"}},
        "created": CREATED,
        "seen": CREATED,
    },
    "DeviceState": {
        "dk": DK,
        "status": "Upgrading",
        "online": True,
        "start": CREATED,
        "end": None,
        "refused_until": None,
        "cancelling": False,
        "retries": 0,
        "components": [_STATE],
    },
    "Firmware": _FIRMWARE,
    "LogLine": {"time": CREATED, "text": "Result of issuing the OTA upgrade plan: OK.", "component": None},
    "Messages": {"messages": [{"type": "plan", "tasks": [_TASK]}]},
    "Nothing": {},
    "Package": {
        "id": "1",
        "name": "meters 2.0",
        "component_type": "module",
        "package_type": "full",
        "source_version": "",
        "target_version": NEW,
        "remarks": "nightly",
        "state": "Not Verified",
        "size": SIZE,
        "files": [_FILE],
        "created": CREATED,
        "verification": _VERIFICATION,
    },
    "PackageFile": _FILE,
    "Plan": {
        "id": "1",
        "name": "meters to V2",
        "product_key": PK,
        "status": "Upgrading",
        "mode": "silent",
        "whitelist": [],
        "blacklist": [],
        "time_zone": "Asia/Shanghai",
        "start": "2026-01-31T16:00:00.000+08:00",
        "end": "2026-02-28T16:00:00.000+08:00",
        "push_actively": True,
        "push_period": "00:00-24:00",
        "rejection_minutes": 120,
        "strategy": _STRATEGY,
        "texts": {"zh": "", "en": ""},
        "components": [_PLANNED],
        "created": CREATED,
        "activated": CREATED,
        "counts": _COUNTS,
        "success_rate": 0.5,
    },
    "PlanComponent": _PLANNED,
    "PlanComponentIn": {"identifier": COMPONENT, "package": "1", "specified_versions": [OLD]},
    "Product": {
        "id": "1",
        "name": "water meter",
        "project": "1",
        "product_key": PK,
        "product_secret": "c2VjcmV0LW9mLXRoaXM",
        "created": CREATED,
    },
    "Project": {"id": "1", "name": "meters", "created": CREATED},
    "Readings": _READINGS,
    "Refusal": {"dk": DK, "detail": "no retry left: the plan allows 5"},
    "ReportIn": {**_VERSIONS, "status": _READINGS},
    "RequestIn": {**_VERSIONS, "status": _READINGS, "sha256": True},
    "Retried": {"retried": [DK], "refused": []},
    "Secret": {"device_secret": "0123456789abcdef0123456789abcdef"},
    "Signed": _SIGNED,
    "StatusIn": {**_VERSIONS, "task": "1", "status": 5, "progress": 64, "message": ""},
    "StrategyIn": _STRATEGY,
    "Task": _TASK,
    "Tasks": {"tasks": [_TASK]},
    "TextsIn": {"zh": "新版本", "en": "A better version."},
    "Verification": _VERIFICATION,
    "Versions": {"module": OLD, "mcu": {"STM32": "1_0_0"}},
}
UPLOAD = {
    "name": "meters 2.0",
    "component_type": "module",
    "target_version": NEW,
    "remarks": "nightly",
    "files": ["v2.bin"],
}
