"""Calls of the Developer Center that no fixture makes: refusals, editing, the App's side, the platform's clock."""

from __future__ import annotations

import datetime
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

LIMIT = 20.0  # real seconds for one call
LOOKS = 30  # ten module seconds apart
APP = "/v2/quecota/enduserapi/v2"
NOW, APPOINT, CANCEL, RETRY = 1, 2, 3, 5  # what an App's user may want


class Platform:
    """The rig's Developer Center, below the client that the fixtures use; an answer is (status, document)."""

    def __init__(self, rig: Any) -> None:
        self._center = rig.developer_center
        self._token = rig.config.token()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call; a refusal is an answer here, not an error."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._center.api.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def now(self, minutes: float = 0) -> str:
        """The platform's time, so many minutes later, as plans take it."""
        _, clock = self.call("GET", "/control/clock")
        return (datetime.datetime.fromisoformat(clock["now"]) + datetime.timedelta(minutes=minutes)).isoformat()

    def confirm(self, plan: Any, operation: int = NOW, **more: int) -> dict[str, Any]:
        """What the App sends when its user agrees, makes an appointment (`more`), cancels, or tries again."""
        named = {"pk": self._center.product_key, "dk": self._center.device_key, "planId": plan.id}
        _, answer = self.call("POST", f"{APP}/userBatchConfirmUpgrade", [{**named, "operType": operation, **more}])
        return dict(answer["data"])

    def appointment(self, first: float, last: float) -> dict[str, int]:
        """An appointment from `first` to `last` minutes from now, as the App sends it."""
        moments = (datetime.datetime.fromisoformat(self.now(minutes)).timestamp() for minutes in (first, last))
        return dict(
            zip(("appointStartTime", "appointEndTime"), (int(moment * 1000) for moment in moments), strict=True)
        )

    def wait(self, path: str, enough: Callable[[Any], bool], pause: Callable[[str], Any]) -> dict[str, Any]:
        """What stands at a path once that is enough, or after some minutes of the module."""
        found = self.call("GET", path)[1]
        for _ in range(LOOKS):
            if enough(found):
                break
            pause("10 s")
            found = self.call("GET", path)[1]
        return dict(found)

    def plan(self, plan: Any) -> dict[str, Any]:
        """A plan with its counts."""
        return dict(self.call("GET", f"/api/v1/plans/{plan.id}")[1])

    def package(self, target: str, content: bytes = b"firmware", **fields: str) -> dict[str, Any]:
        """A package of its own for a test; its name is new."""
        form = {"name": new_name("package"), "component_type": "module", "target_version": target, **fields}
        return dict(self._center.api.upload("/packages", form, [(f"{target}.bin", content)]))

    def packages(self) -> int:
        """How many packages there are."""
        return int(self.call("GET", "/api/v1/packages?limit=1")[1]["total"])


def new_name(what: str) -> str:
    """A name no other run has used: the platform keeps names for ever."""
    return f"{what}-{uuid.uuid4().hex[:12]}"
