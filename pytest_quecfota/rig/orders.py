"""What `fota_plan` and `sota_plan` order of the Developer Center: versions, packages, strategy."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_quecfota.developer_center import Plan, PlanOrder
from pytest_quecfota.developer_center.plan import Kind, Strategy
from pytest_quecfota.errors import BenchError, ModuleError

if TYPE_CHECKING:
    from pytest_quecfota.rig.live import LiveRig

SOTA_SIZE = 27_954  # bytes of a host's file where the test brings none: the size in QuecThing's SOTA example


class Orders:
    """Makes plans on a rig and ends them."""

    def __init__(self, rig: LiveRig) -> None:
        self._rig = rig
        self._plans: list[Plan] = []

    @contextlib.contextmanager
    def terminated_afterwards(self) -> Iterator[Orders]:
        """Terminate every plan that was made, also where one of them cannot be."""
        try:
            yield self
        finally:
            problems: list[Exception] = []
            for plan in reversed(self._plans):
                try:
                    plan.terminate()
                except (BenchError, ModuleError) as error:
                    problems.append(error)
            if problems:
                raise problems[0]

    def fota(
        self,
        target: str | None = None,
        *,
        kind: Kind = "full",
        component: str | None = None,
        mode: str = "silent",
        whitelist: Sequence[str] = (),
        blacklist: Sequence[str] = (),
        strategy: dict[str, int] | None = None,
        image: str | bytes | None = None,
        **plan_fields: Any,
    ) -> Plan:
        """Order an upgrade of the module's firmware.

        Args:
            target: the version to upgrade to; another than the running one where None.
            kind: `full` or `delta`.
            component: the component's identifier; the model's own where None.
            mode: `silent` or `user-confirmed`.
            whitelist, blacklist: device keys.
            strategy: `min_battery` (per cent), `min_signal` (dBm), `retries`.
            image: what the package really holds, where that is not the image of `target`: a version, or bytes.
            plan_fields: further fields of the plan, as the Developer Center names them.

        Raises:
            Unavailable: this Developer Center has no such plan: the test is skipped.
        """
        rig = self._rig
        running = rig.module.firmware_version()
        files: list[tuple[str, bytes]] = []
        if rig.developer_center.plans:
            target = target or rig.firmware.other_version(running)
            files = [(f"{target}.bin", self._content(target, kind, running, image))]
        elif image is not None:
            plan_fields["image"] = image
        return self._order(
            PlanOrder(
                component=component or rig.component,
                component_type="module",
                kind=kind,
                source_version=running,
                target_version=target or "",
                files=files,
                mode=mode,
                whitelist=whitelist,
                blacklist=blacklist,
                strategy=Strategy(**(strategy or {})),
                fields=plan_fields,
                must_fail=image is not None,
            ),
            running,
        )

    def sota(
        self,
        component: str | None = None,
        target: str | None = None,
        *,
        payload: bytes | None = None,
        mode: str = "silent",
        whitelist: Sequence[str] = (),
        blacklist: Sequence[str] = (),
        strategy: dict[str, int] | None = None,
        **plan_fields: Any,
    ) -> Plan:
        """Order an upgrade of a component of the host, as `fota` does for the module.

        The component and its running version are those of the rig file's `mcu`, which the module is told here; `payload` is the
        file's content, reproducible random bytes where None.
        """
        rig = self._rig
        name, running = rig.mcu(component)
        rig.tell_version(name, running)
        files: list[tuple[str, bytes]] = []
        if rig.developer_center.plans:
            target = target or _other(running)
            content = payload if payload is not None else random.Random(f"{name} {target}").randbytes(SOTA_SIZE)
            files = [(f"{name}-{target}.bin", content)]
        elif payload is not None:
            plan_fields["image"] = payload
        return self._order(
            PlanOrder(
                component=name,
                component_type="mcu",
                kind="full",
                source_version=running,
                target_version=target or "",
                files=files,
                mode=mode,
                whitelist=whitelist,
                blacklist=blacklist,
                strategy=Strategy(**(strategy or {})),
                fields=plan_fields,
            ),
            running,
        )

    def _order(self, order: PlanOrder, running: str) -> Plan:
        plan = self._rig.order(order, running=running)
        self._plans.append(plan)
        return plan

    def _content(self, target: str, kind: Kind, running: str, image: str | bytes | None) -> bytes:
        if isinstance(image, bytes):
            return image
        firmware = self._rig.firmware
        if kind == "delta":
            return firmware.delta(running, image or target)
        return firmware.image(image or target)


def _other(running: str) -> str:
    """A version of a host's component that is not the running one: its first number one higher, or 2_0_0."""
    head, _, rest = running.partition("_")
    return f"{int(head) + 1}_{rest}" if head.isdigit() and rest else "2_0_0"
