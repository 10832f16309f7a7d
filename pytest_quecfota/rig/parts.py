"""What a live rig is made of: its supply with the guardian over it, and its Developer Center."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_quecfota.developer_center import ManualCenter, ServiceCenter
from pytest_quecfota.developer_center.manual import PreparedPlan
from pytest_quecfota.power import Supply
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.rig import supply_profiles
from pytest_quecfota.rig.guardian import Guardian
from pytest_quecfota.rig.schema import Rig


def open_supply(rig: Rig) -> Supply | None:
    """The supply of the rig file, connected and identified; None where there is none.

    Raises:
        SupplyError: it cannot be reached, is none of the profile, or does not take its protections.
        ValueError: no such profile, or one that is wrong.
    """
    settings = rig.supply
    if settings is None or not settings.visa:
        return None
    profile = supply_profiles.find(settings.profile)
    limits = settings.limits or rig.model.supply
    supply = Supply(
        Instrument(settings.visa, transport=profile.transport, setup=profile.setup_messages(settings.channel)),
        profile,
        channel=settings.channel,
        nominal=Setting(settings.nominal.voltage, settings.nominal.current_limit),
        limits=Limits(limits.min, limits.max),
        may_cut="cuts" in rig.allow,
    )
    try:
        supply.protect(over_voltage=settings.over_voltage, over_current=settings.over_current)
    except BaseException:
        supply.close()
        raise
    return supply


def guard(rig: Rig, supply: Supply, note: Path) -> Guardian:
    """A process that puts the supply into the rig's safe state if this one dies in whatever way."""
    return Guardian.start([safe_order(rig, supply)], note=note)


def safe_order(rig: Rig, supply: Supply) -> dict[str, Any]:
    """What a guardian needs: address, messages, and how its line is to be used."""
    assert rig.supply is not None
    order: dict[str, Any] = {"visa": rig.supply.visa, "messages": supply.safe_messages(rig.supply.safe_state)}
    profile = getattr(supply, "profile", None)  # one of another package may have none
    if profile is not None:
        transport = profile.transport
        order |= {"terminator": transport.write_termination, "gap": transport.command_gap}
        if transport.serial is not None:
            order["serial"] = transport.serial.model_dump()
    return order


def make_center(rig: Rig, *, run: str, device_key: Callable[[], str]) -> Any:
    """The Developer Center of the rig file; `device_key` is asked for where it needs to know the device."""
    settings = rig.developer_center
    if settings.kind == "manual":
        return ManualCenter([PreparedPlan(**plan.model_dump()) for plan in settings.plans])
    return ServiceCenter(
        settings.url or "",
        rig.token() or "",
        product_key=rig.product()[0] or "",
        device_key=device_key(),
        run=run,
    )
