"""What a live rig is made of: its supply with the guardian over it, and its Developer Center."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_quecfota.developer_center import ManualCenter, ServiceCenter
from pytest_quecfota.developer_center.manual import PreparedPlan
from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.rig.guardian import Guardian
from pytest_quecfota.rig.schema import Rig


def open_supply(rig: Rig) -> Supply | None:
    """The supply of the rig file, connected and identified; None where there is none.

    Raises:
        SupplyError: it cannot be reached, or is none of the profile.
        ValueError: no such profile.
    """
    settings = rig.supply
    if settings is None or not settings.visa:
        return None
    profile = load_profile(settings.profile)
    transport = profile.transport
    limits = settings.limits or rig.model.supply
    return Supply(
        Instrument(
            settings.visa,
            read_termination=transport.read_termination,
            write_termination=transport.write_termination,
        ),
        profile,
        channel=settings.channel,
        nominal=Setting(settings.nominal.voltage, settings.nominal.current_limit),
        limits=Limits(limits.min, limits.max),
        may_cut="cuts" in rig.allow,
    )


def guard(rig: Rig, supply: Supply, note: Path) -> Guardian:
    """A process that puts the supply into the rig's safe state if this one dies in whatever way."""
    assert rig.supply is not None
    messages = supply.safe_messages(rig.supply.safe_state)
    return Guardian.start([{"visa": rig.supply.visa, "messages": messages}], note=note)


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
