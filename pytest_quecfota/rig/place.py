"""A labgrid place as the source of a rig's port and power.

labgrid brings its own fork of pyserial, which overwrites ours: it is never imported, only its command `labgrid-client` is
run, which lives in an environment of its own. The place is acquired for as long as the rig is held.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.rig.controls import Command
from pytest_quecfota.rig.schema import PlacePart, Port, Rig

PROGRAM = "labgrid-client"
LIMIT = 30.0  # real seconds for one call

_BLOCK = re.compile(r"^Acquired resource '(?P<name>[^']*)'[^\n]*:\n(?P<body>(?:[ \t]+[^\n]*\n?)+)", re.MULTILINE)
_POWER_CLASSES = (
    "NetworkPowerPort",
    "PDUDaemonPort",
    "NetworkUSBPowerPort",
    "NetworkSiSPMPowerPort",
    "NetworkYKUSHPowerPort",
)

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@contextlib.contextmanager
def acquired(rig: Rig, run: Runner = subprocess.run) -> Iterator[Rig]:
    """The rig with what its place gives, the place being ours meanwhile; a rig without a place is left as it is.

    Raises:
        BenchError: labgrid-client is missing or fails, the place is somebody else's, or it has no serial port.
    """
    if rig.place is None:
        yield rig
        return
    _call(rig.place, run, "acquire")
    try:
        yield _filled_in(rig, rig.place, _resources(_call(rig.place, run, "show")))
    finally:
        _call(rig.place, run, "release")


def _filled_in(rig: Rig, place: PlacePart, resources: list[Mapping[str, Any]]) -> Rig:
    module, controls = rig.module, rig.controls
    if module.port is None:
        module = module.model_copy(update={"port": _port(place, resources)})
    if controls.power is None and any(item.get("cls") in _POWER_CLASSES for item in resources):
        words = _words(place)
        power = Command(kind="command", press=(*words, "power", "on"), release=(*words, "power", "off"), timeout=LIMIT)
        controls = controls.model_copy(update={"power": power})
    return rig.model_copy(update={"module": module, "controls": controls})


def _port(place: PlacePart, resources: list[Mapping[str, Any]]) -> Port:
    for item in resources:
        if item.get("cls") == "NetworkSerialPort":
            params = item["params"]
            scheme, query = ("socket", "") if params.get("protocol") == "raw" else ("rfc2217", "?ign_set_control")
            url = f"{scheme}://{params['host']}:{params['port']}{query}"
            return Port(url=url, baudrate=params.get("speed") or 115200)
    found = ", ".join(str(item.get("cls")) for item in resources) or "nothing"
    raise _failed(
        f"labgrid place {place.name!r} has no NetworkSerialPort, but {found}; name module.port in the rig file"
    )


def _resources(shown: str) -> list[Mapping[str, Any]]:
    """The resources that `labgrid-client show` prints as Python literals."""
    found: list[Mapping[str, Any]] = []
    for block in _BLOCK.finditer(shown):
        with contextlib.suppress(ValueError, SyntaxError):
            words = ast.literal_eval(block["body"].strip())
            if isinstance(words, dict):
                found.append(words)
    return found


def _words(place: PlacePart) -> tuple[str, ...]:
    return (PROGRAM, "-x", place.coordinator, "-p", place.name)


def _call(place: PlacePart, run: Runner, action: str) -> str:
    environ = {**os.environ, "LG_COORDINATOR": place.coordinator}
    command = [*_words(place), action]
    try:
        done = run(command, capture_output=True, text=True, timeout=LIMIT, env=environ, check=False)
    except FileNotFoundError:
        raise _failed(
            f"there is no program {PROGRAM!r}, which the rig's labgrid place needs;"
            " install labgrid in an environment of its own and put its labgrid-client on PATH"
        ) from None
    except subprocess.TimeoutExpired:
        raise _failed(f"{' '.join(command)} was not done within {LIMIT:g} s") from None
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise _failed(f"{' '.join(command)} failed: {reason}")
    return done.stdout


def _failed(text: str) -> BenchError:
    return BenchError(text, reason=Reason.CONFIGURATION)
