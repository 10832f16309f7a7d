"""The real cloud, where a person has prepared and activated the plans.

It cannot be asked and not be driven: a test takes the prepared plan that applies to the running version, or is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_quecfota.developer_center.plan import DeviceState, LogEntry, Offer, Plan, PlanOrder, Strategy, Unavailable


@dataclass(frozen=True)
class PreparedPlan:
    """One plan of the rig file: what the person has activated; per cent, dBm, bytes."""

    component: str
    package_type: str
    source_version: str
    target_version: str
    min_battery: int | None
    min_signal: int | None
    size: int | None


class ManualCenter:
    """Hands out prepared plans."""

    kind = "manual"
    monitoring = False
    plans = False

    def __init__(self, prepared: Sequence[PreparedPlan]) -> None:
        self._prepared = list(prepared)
        self._used_up: set[int] = set()

    def open(self) -> None:
        """Nothing to connect to."""

    def order(self, order: PlanOrder, *, running: str) -> Plan:
        """The prepared plan that does what `order` asks, from the version that runs now."""
        self._refuse_what_a_person_must_set(order)
        fits = [number for number, plan in enumerate(self._prepared) if self._applies(plan, order, running)]
        if not fits:
            asked = f"{order.kind} upgrade of {order.component} to {order.target_version or 'another version'}"
            raise Unavailable(
                f"no prepared plan for a {asked} while {running} runs; developer_center.plans lists "
                + (", ".join(f"{p.component} -> {p.target_version}" for p in self._prepared) or "none")
            )
        number = next((number for number in fits if number not in self._used_up), None)
        if number is None:
            plan = self._prepared[fits[0]]
            raise Unavailable(f"the prepared plan {plan.component} -> {plan.target_version} is used up")
        plan = self._prepared[number]
        offer = Offer(
            component=plan.component,
            source_versions=(plan.source_version,) if plan.package_type == "delta" else ("", running),
            target_version=plan.target_version,
            min_battery=plan.min_battery,
            min_signal=plan.min_signal,
            size=plan.size,
        )
        taken = PlanOrder(
            plan.component, order.component_type, order.kind, plan.source_version or running, plan.target_version
        )
        name = f"prepared {plan.component} -> {plan.target_version}"
        return Plan(self, str(number), name, taken, offer)

    def device(self, plan_id: str) -> DeviceState:
        """Not to be had."""
        raise Unavailable(f"the Developer Center cannot be asked (kind: manual), so nothing is known of plan {plan_id}")

    def log(self, plan_id: str) -> list[LogEntry]:
        """Not to be had."""
        raise Unavailable(f"the Developer Center cannot be asked (kind: manual), so plan {plan_id} has no log here")

    def act(self, plan_id: str, action: str) -> None:
        """Nothing is terminated that a person has prepared; anything else cannot be had."""
        if action != "terminate":
            raise Unavailable(f"the Developer Center cannot be driven (kind: manual): no {action} of plan {plan_id}")

    def mark_used_up(self, plan: Plan) -> None:
        """The plan applies, yet brought no offer: whoever asks for it next is skipped."""
        self._used_up.add(int(plan.id))

    def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _refuse_what_a_person_must_set(order: PlanOrder) -> None:
        asked = {
            "mode": order.mode != "silent",
            "white list": bool(order.whitelist),
            "black list": bool(order.blacklist),
            "strategy": order.strategy != Strategy(),
            "package content": bool(order.fields.get("image")),
            **{name: True for name in order.fields if name != "image"},
        }
        names = [name for name, wanted in asked.items() if wanted]
        if names:
            raise Unavailable(f"a prepared plan cannot be given another {', '.join(names)} (developer_center: manual)")

    @staticmethod
    def _applies(plan: PreparedPlan, order: PlanOrder, running: str) -> bool:
        return (
            plan.component == order.component
            and plan.package_type == order.kind
            and plan.target_version != running
            and order.target_version in {"", plan.target_version}
            and plan.source_version in {"", running}
        )
