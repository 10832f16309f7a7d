"""A Developer Center that can be driven: the embedded one, or a running `quecfota cloud`."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any
from urllib.parse import urlencode

from pytest_quecfota.developer_center.http import Api
from pytest_quecfota.developer_center.plan import ComponentState, DeviceState, LogEntry, Offer, Plan, PlanOrder
from pytest_quecfota.errors import DeveloperCenterError, Reason

DEVICE_ACTIONS = {"retry", "cancel"}
CONFLICT = 409
OVER = {"Ended", "Forced Terminated"}
GOING_ON = ("To be Upgraded", "Upgrading", "Suspended")  # states of a plan that still reaches devices, or may again


class ServiceCenter:
    """Plans on a Developer Center with an HTTP API.

    Args:
        url, token: where it is, and the token for people.
        product_key, device_key: the rig's product and device.
        run: what makes names unique: the platform keeps names for ever.
    """

    kind = "http"
    monitoring = True
    plans = True

    def __init__(self, url: str, token: str, *, product_key: str, device_key: str, run: str) -> None:
        self.api = Api(url, token)
        self.product_key = product_key
        self.device_key = device_key
        self._run = run
        self._owner = hashlib.sha256(device_key.encode()).hexdigest()[:8]
        self._components: set[str] = set()

    def open(self) -> None:
        """Connect, and learn which components are known.

        Raises:
            DeveloperCenterError: it cannot be reached, or does not take the token.
        """
        self._look_at_components()

    def order(self, order: PlanOrder, *, running: str) -> Plan:
        """Upload the package, make the component known, create the plan and activate it."""
        name = f"{order.component}-{order.target_version}-{self._run}-{self._owner}-{uuid.uuid4().hex[:8]}"
        self._make_known(order.component, order.component_type)
        package = self.api.upload(
            "/packages",
            {
                "name": name,
                "component_type": order.component_type,
                "package_type": order.kind,
                "source_version": order.source_version if order.kind == "delta" else "",
                "target_version": order.target_version,
                "remarks": "made by pytest-quecfota",
            },
            order.files,
        )
        plan = self.api.post("/plans", self._plan(name, self._of("id", package), order))
        plan_id = self._of("id", plan)
        self.api.post(f"/plans/{plan_id}/activate")
        return Plan(self, plan_id, name, order, _offer(order, running))

    def end_leftovers(self) -> list[str]:
        """Terminate the plans that killed runs on this device have left, which would be offered instead of ours.

        Only whoever holds the device may call it. Returns the names of the plans.
        """
        left = []
        for status in GOING_ON:
            query = urlencode({"product_key": self.product_key, "status": status})
            plans = self._of("items", self.api.get(f"/plans?{query}"))
            left += [p for p in plans if f"-{self._owner}-" in p["name"] and f"-{self._run}-" not in p["name"]]
        for plan in left:
            self.act(plan["id"], "terminate")
        return [plan["name"] for plan in left]

    def device(self, plan_id: str) -> DeviceState:
        """What monitoring shows of the rig's device."""
        items = self._of("items", self.api.get(f"/plans/{plan_id}/devices"))
        for item in items:
            if item["dk"] == self.device_key:
                states = tuple(ComponentState(c["identifier"], c["status"], c["progress"]) for c in item["components"])
                return DeviceState(item["dk"], item["status"], states)
        return DeviceState(self.device_key, "Not Upgraded", ())

    def log(self, plan_id: str) -> list[LogEntry]:
        """The log of the rig's device."""
        answer = self.api.get(f"/plans/{plan_id}/devices/{self.device_key}/log")
        return [LogEntry(item["time"], item["text"]) for item in self._of("items", answer)]

    def act(self, plan_id: str, action: str) -> None:
        """Act on the plan, or on the rig's device in it."""
        below = f"/devices/{self.device_key}" if action in DEVICE_ACTIONS else ""
        try:
            self.api.post(f"/plans/{plan_id}{below}/{action}")
        except DeveloperCenterError as error:
            if not (action == "terminate" and error.status == CONFLICT and self._is_over(plan_id)):
                raise

    def _is_over(self, plan_id: str) -> bool:
        """Whether a plan has ended by itself, so that nothing is left to terminate."""
        return self.api.get(f"/plans/{plan_id}")["status"] in OVER

    def versions(self) -> dict[str, Any]:
        """What the platform knows of the rig's device: online, versions, battery, signal."""
        answer: dict[str, Any] = self.api.get(f"/products/{self.product_key}/devices/{self.device_key}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self.api.close()

    def _of(self, name: str, answer: Any) -> Any:
        """A member of an answer; `DeveloperCenterError` where it is not there."""
        if not isinstance(answer, dict) or name not in answer:
            raise DeveloperCenterError(
                f"{self.api.url} answered without {name!r}; is it a Developer Center?", reason=Reason.PLATFORM_REFUSED
            )
        return answer[name]

    def _look_at_components(self) -> None:
        self._components = {item["identifier"] for item in self._of("items", self.api.get("/components"))}

    def _make_known(self, identifier: str, component_type: str) -> None:
        if identifier not in self._components:
            self._look_at_components()  # somebody else may have made it since
        if identifier not in self._components:
            self.api.post("/components", {"name": identifier, "identifier": identifier, "type": component_type})
            self._components.add(identifier)

    def _plan(self, name: str, package_id: str, order: PlanOrder) -> dict[str, Any]:
        strategy = order.strategy
        return {
            "name": name,
            "product_key": self.product_key,
            "mode": order.mode,
            "whitelist": list(order.whitelist),
            "blacklist": list(order.blacklist),
            "time_zone": "UTC",
            "strategy": {
                "retries": strategy.retries,
                "min_signal": strategy.min_signal,
                "min_battery": strategy.min_battery,
            },
            "components": [
                {
                    "identifier": order.component,
                    "package": package_id,
                    "package_type": order.kind,
                    "source_version": order.source_version if order.kind == "delta" else "",
                    "target_version": order.target_version,
                }
            ],
            **order.fields,
        }


def _offer(order: PlanOrder, running: str) -> Offer:
    return Offer(
        component=order.component,
        source_versions=(order.source_version,) if order.kind == "delta" else ("", running),
        target_version=order.target_version,
        min_battery=order.strategy.min_battery,
        min_signal=order.strategy.min_signal,
        size=sum(len(content) for _, content in order.files),
    )
