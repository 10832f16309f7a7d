"""A plan and one device in it as the App sees them: the models of the app SDK's documentation, filled from a case."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .. import cases, tables
from ..domain.case import NOT_CONFIRMED, Case
from ..domain.model import Plan
from ..domain.states import OVER, ComponentStatus, DeviceStatus
from ..store import Transaction

DEVICE_STATUS = {
    DeviceStatus.NOT_UPGRADED: 0,
    DeviceStatus.UPGRADING: 1,
    DeviceStatus.UPGRADED: 2,
    DeviceStatus.NOT_NEEDED: 2,
    DeviceStatus.FAILED: 3,
}
_DOWNLOAD = {ComponentStatus.DOWNLOADING: 1, ComponentStatus.DOWNLOADED: 2, ComponentStatus.DOWNLOAD_FAILED: 3}
_UPGRADE = {ComponentStatus.UPGRADING: 1, ComponentStatus.SUCCEEDED: 2, ComponentStatus.FAILED: 3}
_DOWNLOADED = {ComponentStatus.UPGRADING, ComponentStatus.SUCCEEDED}


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _component(tx: Transaction, plan: Plan, case: Case | None, position: int) -> dict[str, Any]:
    component = plan.components[position]
    task = case.tasks[position] if case else None
    status = task.status if task else ComponentStatus.NOT_RECEIVED
    packages = tables.packages.c
    files = tx.scalar(sa.select(packages.files).where(packages.id == component.package)) or []
    return {
        "sort": position + 1,
        "comNo": component.identifier,
        "comType": 0 if component.type == "module" else 1,
        "dataType": 0 if component.package_type == "full" else 1,
        "cver": (task.source_version if task else "") or component.source_version,
        "tver": component.target_version,
        "versionInfo": "",
        "battery": plan.strategy.min_battery,
        "signal": plan.strategy.min_signal,
        "space": component.size,
        "downloadStatus": 2 if status in _DOWNLOADED else _DOWNLOAD.get(status, 0),
        "upgradeStatus": _UPGRADE.get(status, 0),
        "fileList": [
            {
                "updIndex": index,
                "fileName": file["name"],
                "filePath": f"/south/v1/files/{file['sha256']}",
                "fileSize": file["size"],
                "fileSha256": file["sha256"],
                "fileMd5": file["md5"],
                "fileCrc": f"{file['crc']:08x}",
            }
            for index, file in enumerate(files)
        ],
    }


def view(tx: Transaction, plan: Plan, dk: str) -> dict[str, Any]:
    """What `getDeviceUpgradePlan` and `getBatchUpgradeDetails` answer for one device."""
    case = cases.load(tx, plan, dk)
    first, last = (case and case.appointed) or (None, None)
    components = [_component(tx, plan, case, i) for i in range(len(plan.components))]
    document: dict[str, Any] = tx.scalar(sa.select(tables.plans.c.document).where(tables.plans.c.id == plan.id))
    progress = [task.progress for task in case.tasks] if case else [0]
    return {
        "pk": plan.product_key,
        "dk": dk,
        "planId": str(plan.id),
        "planName": plan.name,
        "planStartTime": _milliseconds(plan.start),
        "planEndTime": _milliseconds(plan.end),
        "appointStartTime": _milliseconds(first),
        "appointEndTime": _milliseconds(last),
        "userConfirmStatus": 4 if plan.status in OVER else (case.app if case else NOT_CONFIRMED),
        "deviceStatus": DEVICE_STATUS[case.status if case else DeviceStatus.NOT_UPGRADED],
        "upgradeProgress": sum(progress) // len(progress),
        "versionInfo": document["texts"],
        "comVerList": components,
    }
