"""States of plan, component and device, and everything that may change them, as tables.

Labels are those of the Developer Center's monitoring page (QuecThing documentation, device management, OTA pages);
"Suspended" and "Ended" are our labels: the documents name the states but show no label.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable


class PlanStatus(str, enum.Enum):
    """Where an upgrade plan stands."""

    INACTIVATED = "Inactivated"
    TO_BE_UPGRADED = "To be Upgraded"
    UPGRADING = "Upgrading"
    SUSPENDED = "Suspended"
    TERMINATED = "Forced Terminated"
    ENDED = "Ended"


class PlanEvent(enum.Enum):
    """What happens to a plan."""

    ACTIVATE = "activate"
    DEVICE_STARTED = "a device started"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    END = "the planned time is over"


_P, _A = PlanStatus, PlanEvent

PLAN_TRANSITIONS: dict[PlanEvent, dict[PlanStatus, PlanStatus]] = {
    _A.ACTIVATE: {_P.INACTIVATED: _P.TO_BE_UPGRADED},
    _A.DEVICE_STARTED: {_P.TO_BE_UPGRADED: _P.UPGRADING, _P.UPGRADING: _P.UPGRADING},
    _A.SUSPEND: {_P.TO_BE_UPGRADED: _P.SUSPENDED, _P.UPGRADING: _P.SUSPENDED},
    _A.RESUME: {_P.SUSPENDED: _P.TO_BE_UPGRADED},
    _A.TERMINATE: dict.fromkeys((_P.TO_BE_UPGRADED, _P.UPGRADING, _P.SUSPENDED), _P.TERMINATED),
    _A.END: dict.fromkeys((_P.TO_BE_UPGRADED, _P.UPGRADING, _P.SUSPENDED), _P.ENDED),
}

IN_FORCE = frozenset({_P.TO_BE_UPGRADED, _P.UPGRADING})
"""Plans that are issued to devices."""
OVER = frozenset({_P.TERMINATED, _P.ENDED})


class ComponentStatus(str, enum.Enum):
    """Where the upgrade of one component of one device stands."""

    NOT_RECEIVED = "Plan Not Received"
    RECEIVED = "Plan Received"
    CONFIRMED = "Upgrade Confirmed"
    READY = "Ready to Download"
    DOWNLOADING = "Downloading"
    DOWNLOAD_FAILED = "Download Failed"
    DOWNLOADED = "Download Succeeded"
    UPGRADING = "Upgrading"
    FAILED = "Upgrade Failed"
    SUCCEEDED = "Upgrade Succeeded"
    NOT_NEEDED = "No Update Required"


class Event(enum.Enum):
    """What happens to the upgrade of one component; integers are the status codes a module reports (SDK 2.9.0)."""

    RECEIVED = 1
    CONFIRMED = 2
    REFUSED = 3
    READY = 4
    DOWNLOADING = 5
    DOWNLOAD_FAILED = 6
    DOWNLOADED = 8
    UPGRADING = 9
    CLAIMED = 11
    FAILED = 12
    NEW_TRY = "the device begins again"
    TARGET_SEEN = "the target version is reported"
    OTHER_SEEN = "another version is reported where the target was due"
    NEEDED = "no longer at the target version"
    GIVEN_UP = "no retry is left"
    CANCELLED = "cancelled"
    TERMINATED = "plan terminated"
    EXPIRED = "plan ended"
    RETRIED = "retry"


_C, _E = ComponentStatus, Event

RUNNING = frozenset({_C.CONFIRMED, _C.READY, _C.DOWNLOADING, _C.DOWNLOADED, _C.UPGRADING})
"""The device is at work; a second plan is kept away from it."""
WAITING = frozenset({_C.NOT_RECEIVED, _C.RECEIVED, _C.DOWNLOAD_FAILED})
"""The next step is an offer."""
OPEN = RUNNING | WAITING
DONE = frozenset({_C.FAILED, _C.SUCCEEDED, _C.NOT_NEEDED})
_BEGUN = RUNNING | {_C.DOWNLOAD_FAILED}
_FETCHING = (_C.CONFIRMED, _C.READY, _C.DOWNLOADING)

TRANSITIONS: dict[Event, dict[ComponentStatus, ComponentStatus]] = {
    _E.RECEIVED: {_C.NOT_RECEIVED: _C.RECEIVED, _C.RECEIVED: _C.RECEIVED},
    # A second confirmation is harmless at any point of the download.
    _E.CONFIRMED: {
        _C.NOT_RECEIVED: _C.CONFIRMED,
        _C.RECEIVED: _C.CONFIRMED,
        **{s: s for s in (*_FETCHING, _C.DOWNLOADED)},
    },
    _E.REFUSED: {
        _C.NOT_RECEIVED: _C.RECEIVED,
        _C.RECEIVED: _C.RECEIVED,
        _C.CONFIRMED: _C.CONFIRMED,
        _C.DOWNLOAD_FAILED: _C.DOWNLOAD_FAILED,
    },
    _E.READY: {_C.CONFIRMED: _C.READY, **{s: s for s in (_C.READY, _C.DOWNLOADING, _C.DOWNLOADED)}},
    # A file that comes in blocks is downloaded and downloading more than once: it stays downloaded.
    _E.DOWNLOADING: {**dict.fromkeys((*_FETCHING, _C.DOWNLOAD_FAILED), _C.DOWNLOADING), _C.DOWNLOADED: _C.DOWNLOADED},
    _E.DOWNLOAD_FAILED: {
        **dict.fromkeys((*_FETCHING, _C.DOWNLOADED, _C.DOWNLOAD_FAILED), _C.DOWNLOAD_FAILED),
        _C.NOT_RECEIVED: _C.NOT_RECEIVED,
        _C.RECEIVED: _C.RECEIVED,
    },
    _E.DOWNLOADED: {**dict.fromkeys((*_FETCHING, _C.DOWNLOADED), _C.DOWNLOADED), _C.UPGRADING: _C.UPGRADING},
    _E.UPGRADING: dict.fromkeys(RUNNING, _C.UPGRADING),
    # A claim of success changes nothing by itself: the version that is reported decides.
    _E.CLAIMED: {s: s for s in (*_BEGUN, _C.SUCCEEDED, _C.NOT_NEEDED)},
    # What was not received has not failed: such a report belongs to the try before a retry.
    _E.FAILED: {
        **dict.fromkeys((*OPEN, _C.FAILED), _C.FAILED),
        **{s: s for s in (_C.NOT_RECEIVED, _C.SUCCEEDED)},
    },
    _E.NEW_TRY: dict.fromkeys(_BEGUN - {_C.UPGRADING}, _C.NOT_RECEIVED),
    _E.TARGET_SEEN: {
        **dict.fromkeys(_BEGUN, _C.SUCCEEDED),
        _C.NOT_RECEIVED: _C.NOT_NEEDED,
        _C.RECEIVED: _C.NOT_NEEDED,
    },
    _E.OTHER_SEEN: dict.fromkeys(_BEGUN, _C.FAILED),
    _E.NEEDED: {_C.NOT_NEEDED: _C.NOT_RECEIVED},
    _E.GIVEN_UP: dict.fromkeys((*_BEGUN, _C.RECEIVED), _C.FAILED),
    # What is already updating can no longer be called back.
    _E.CANCELLED: dict.fromkeys(OPEN - {_C.UPGRADING}, _C.FAILED),
    _E.TERMINATED: dict.fromkeys(WAITING, _C.FAILED),
    _E.EXPIRED: dict.fromkeys(OPEN, _C.FAILED),
    _E.RETRIED: {_C.FAILED: _C.NOT_RECEIVED},
}


class DeviceStatus(str, enum.Enum):
    """Where a device stands in a plan."""

    FAILED = "Upgrade Failed"
    UPGRADED = "Upgraded"
    UPGRADING = "Upgrading"
    NOT_UPGRADED = "Not Upgraded"
    NOT_NEEDED = "No Update Required"


class NotAllowed(Exception):
    """The event is not possible in this state."""

    def __init__(self, event: Event | PlanEvent, status: ComponentStatus | PlanStatus) -> None:
        super().__init__(f"{event.name.lower().replace('_', ' ')} is not possible in state {status.value!r}")
        self.event = event
        self.status = status


def component_after(status: ComponentStatus, event: Event) -> ComponentStatus:
    """State of a component after an event; raises `NotAllowed`."""
    try:
        return TRANSITIONS[event][status]
    except KeyError:
        raise NotAllowed(event, status) from None


def plan_after(status: PlanStatus, event: PlanEvent) -> PlanStatus:
    """State of a plan after an event; raises `NotAllowed`."""
    try:
        return PLAN_TRANSITIONS[event][status]
    except KeyError:
        raise NotAllowed(event, status) from None


def device_status(components: Iterable[ComponentStatus]) -> DeviceStatus:
    """State of a device in a plan, from the states of its components."""
    statuses = set(components)
    if _C.FAILED in statuses:
        return DeviceStatus.FAILED
    if statuses <= {_C.NOT_NEEDED}:
        return DeviceStatus.NOT_NEEDED
    if statuses <= {_C.NOT_NEEDED, _C.SUCCEEDED}:
        return DeviceStatus.UPGRADED
    if statuses & (_BEGUN | {_C.SUCCEEDED}):
        return DeviceStatus.UPGRADING
    return DeviceStatus.NOT_UPGRADED


def progress_after(previous: int, status: ComponentStatus, reported: int | None) -> int:
    """Overall per cent of one component: the download is the first half, the update the second; never goes back."""
    share = min(max(reported or 0, 0), 100) // 2
    floor = {
        _C.NOT_RECEIVED: 0,
        _C.DOWNLOADING: share,
        _C.DOWNLOADED: 50,
        _C.UPGRADING: 50 + share,
        _C.SUCCEEDED: 100,
    }
    return max(previous, floor.get(status, 0))
