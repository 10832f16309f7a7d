"""What a virtual bench is built from, and what it fills into the rig.

`document` turns a rig into the JSON that the bench reads, `resolve` puts the addresses and secrets of its ready line
into the rig.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pytest_quecfota.rig.schema import Port, Rig, SupplyPart, VirtualSupply
from pytest_quecfota.rig.supply_profiles import name_of


def document(
    rig: Rig,
    *,
    defects: Sequence[str] = (),
    seed: int | None = None,
    state: Path | None = None,
) -> dict[str, Any]:
    """The resolved document that the bench is built from (JSON types only).

    Raises ValueError where the rig is not virtual.
    """
    virtual = rig.virtual
    if virtual is None:
        raise ValueError(f"rig {rig.name!r} is not virtual: there is no bench to start for it")
    model = rig.model
    key, secret = rig.product()
    where = state or (Path(virtual.state) if virtual.state else None)
    return {
        "schema": 1,
        "name": rig.name,
        "speed": "max" if math.isinf(virtual.speed) else virtual.speed,
        "seed": virtual.seed if seed is None else seed,
        "state": None if where is None else os.fspath(where.absolute()),
        "parent": os.getpid(),
        "module": {
            "model": model.name,
            "flavour": model.flavour,
            "imei": rig.module.imei,
            "version": virtual.version or f"{model.name}_FOTA_V1_0",
            "baudrate": model.baudrate,
            "profile": dict(rig.module.profile),
            "mcu": [part.model_dump() for part in rig.mcu],
            "transport": virtual.transport,
            "product_key": key,
            "product_secret": secret,
        },
        "supply": {**_supply(rig.supply, model.supply.nominal), **_options(virtual.supply)},
        "developer_center": {"kind": "embedded"},
        "radio": {"signal_dbm": virtual.signal_dbm},
        "battery_percent": virtual.battery_percent,
        "rail": virtual.rail.model_dump(exclude_none=True),
        "defects": list(defects or virtual.defects),
    }


def resolve(rig: Rig, ready: Mapping[str, Any]) -> Rig:
    """The rig with the addresses and secrets that its bench reported."""
    module = rig.module.model_copy(
        update={
            "port": Port(url=ready["at"], baudrate=rig.model.baudrate),
            "product_key": SecretStr(ready["product_key"]),
            "product_secret": SecretStr(ready["product_secret"]),
        }
    )
    center = rig.developer_center.model_copy(
        update={"url": ready["developer_center"], "token": SecretStr(ready["token"])}
    )
    supply = None if rig.supply is None else rig.supply.model_copy(update={"visa": ready["supply"]})
    return rig.model_copy(update={"module": module, "developer_center": center, "supply": supply})


def _options(supply: VirtualSupply) -> dict[str, Any]:
    given = supply.model_dump(exclude_none=True, exclude_defaults=True)
    return {"options": given} if given else {}


def _supply(supply: SupplyPart | None, model_nominal: float) -> dict[str, Any]:
    if supply is None:  # something must power the module, even where tests may not touch it
        nominal = {"voltage": model_nominal, "current_limit": 2.0}
        return {"profile": "keysight-e36300", "channel": 1, "nominal": nominal}
    return {"profile": name_of(supply.profile), "channel": supply.channel, "nominal": supply.nominal.model_dump()}
