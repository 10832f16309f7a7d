"""Why a plan is not issued to a device now: one table of gates, looked at in order.

Choices where the documents are open: a refusal holds for requests as well as for pushes, where it holds at all (silent
plans that push); a failed device gets nothing before a retry.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .case import APPOINTED, NOT_CONFIRMED, NOW, Case
from .matching import strategy_met
from .model import Reported
from .states import DeviceStatus
from .windows import within_hours


@dataclasses.dataclass(frozen=True)
class Occasion:
    """When and how a plan could be issued: the device `asked`, or the platform pushes.

    `auto`: the App's user lets the device take user-confirmed plans by itself.
    """

    now: float
    asked: bool
    reported: Reported
    auto: bool = False


def confirms_itself(case: Case, occasion: Occasion) -> bool:
    """Whether the automatic upgrade takes the place of the user's word: in the confirmation period of the plan only."""
    plan = case.plan
    waits = plan.mode != "silent" and case.app == NOT_CONFIRMED and occasion.auto
    return waits and within_hours(occasion.now, plan.zone, plan.push_hours)


def _app_closed(case: Case, occasion: Occasion) -> bool:
    if case.plan.mode == "silent" or case.app == NOW:
        return False
    if case.app == APPOINTED and case.appointed is not None:
        first, last = case.appointed
        return not first <= occasion.now < last
    return not confirms_itself(case, occasion)


def _push_closed(case: Case, occasion: Occasion) -> bool:
    if occasion.asked or case.due:
        return False
    plan = case.plan
    if case.running:
        return True
    if plan.mode != "silent":
        return not confirms_itself(case, occasion)
    return not (plan.push_actively and within_hours(occasion.now, plan.zone, plan.push_hours))


def _refused(case: Case, occasion: Occasion) -> bool:
    return case.refused_until is not None and occasion.now < case.refused_until and not case.due


GATES: tuple[tuple[str, Callable[[Case, Occasion], bool]], ...] = (
    ("the upgrade of this device has ended", lambda case, _: case.status is DeviceStatus.UPGRADED),
    ("the upgrade has failed and was not retried", lambda case, _: case.failed),
    ("an upgrade is being installed", lambda case, _: case.updating),
    ("a cancellation is on its way", lambda case, _: case.cancelling),
    ("the user has not confirmed it in the App for this time", _app_closed),
    ("the device has refused it and the refusal still holds", _refused),
    ("it is not the time to push", _push_closed),
    (
        "battery or signal is below the strategy of the plan",
        lambda case, o: case.plan.strategy.platform_filter and not strategy_met(case.plan, o.reported),
    ),
)


def closed(case: Case, occasion: Occasion) -> str | None:
    """The first reason not to issue the plan now, None where it may go out."""
    return next((reason for reason, is_closed in GATES if is_closed(case, occasion)), None)
