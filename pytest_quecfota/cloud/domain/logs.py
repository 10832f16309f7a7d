"""Texts of the upgrade log, after the labels on the platform's log screen."""

from __future__ import annotations

from collections.abc import Mapping

from .states import Event

REPORTED: dict[Event, str] = {
    Event.RECEIVED: "Upgrade Plan is Available.",
    Event.CONFIRMED: "Upgrade Confirmed.",
    Event.REFUSED: "Upgrade Refused.",
    Event.READY: "Waiting to Download.",
    Event.DOWNLOADING: "Downloading.",
    Event.DOWNLOAD_FAILED: "Download Failed.",
    Event.DOWNLOADED: "Download Successful.",
    Event.UPGRADING: "Upgrading.",
    Event.CLAIMED: "Upgraded.",
    Event.FAILED: "Upgrade Failed.",
}
PLAN_ISSUED = "Result of issuing the OTA upgrade plan: OK."
URL_SENT = "Issue the URL to upgrade."
URL_ISSUED = "Result of issuing the OTA upgrade URL: OK."
CONFIRMED = "Device Confirmed Upgrade."
APP_CONFIRMED = "User confirmed the upgrade in the App."
APP_CANCELLED = "User cancelled the upgrade in the App."
AUTO_CONFIRMED = "Confirmed by the automatic upgrade that the user has set in the App."
CANCEL_ASKED = "Cancellation sent to the device."
CANCELLED = "Upgrade cancelled."
CANCEL_REFUSED = "Cancellation refused: the device is already upgrading."
RETRIED = "Retry of the failed upgrade."
NEW_TRY = "The device starts over."
TERMINATED = "Plan terminated before the upgrade: failed."
EXPIRED = "The planned time is over: failed."
DIFFERENT_AFTER_RESTART = "The device came back without the targeted version: failed."


def request(module_version: str | None, mcu_versions: Mapping[str, str]) -> str:
    """The device asks for a plan."""
    mcu = ";".join(f"{name}:{version}" for name, version in mcu_versions.items())
    told = f"Module firmware version reported by the device: {module_version or 'null'}"
    more = f"; MCU firmware version reported by the device: {mcu}" if mcu else ""
    return f"The device initiates an OTA upgrade request. {told}{more}."


def issuing(identifier: str, target: str) -> str:
    """The plan goes to the device."""
    return f"Issuing Upgrade plan: Component Identifier: {identifier}, Targeted Version: {target}."


def not_issued(reason: str) -> str:
    """The plan stays here."""
    return f"Upgrade plan not issued: {reason}."


def reported(identifier: str, event: Event, message: str = "") -> str:
    """A status the device reported."""
    text = f"Reported upgrade status of component {identifier} : {REPORTED[event]}"
    return f"{text} {message}" if message else text


def refused(until: str) -> str:
    """The device refused; until when that holds."""
    return f"Device Refused Upgrade; the refusal holds until {until}." if until else "Device Refused Upgrade."


def consistent(version: str) -> str:
    """The version check succeeded."""
    return f"The reported device version information is consistent with the targeted version {version}."


def inconsistent(version: str | None, target: str) -> str:
    """The version check failed."""
    told = version or "null"
    return f"The reported device version information {told} is not consistent with the targeted version {target}."


def not_yet(version: str | None, target: str) -> str:
    """The version check has to wait for the restart."""
    return f"Version check pending: {version or 'unknown'} reported, {target} expected after the restart."


def given_up(tries: int) -> str:
    """No retry is left."""
    return f"No retry left after {tries} tries: failed."
