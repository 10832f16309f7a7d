"""The examinations of what is attached to a rig: its serial port, its supply, its Developer Center.

They open what they look at for a moment only, and give up within two seconds each.
"""

from __future__ import annotations

import errno
import fcntl
import http.client
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pytest_quecfota.rig.doctor import Finding, Machine
from pytest_quecfota.rig.platforms import Embedded, Http, Manual
from pytest_quecfota.rig.schema import Port, Rig

LIMIT = 2.0  # real seconds for one connection

_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_AMBIGUOUS = "usb-Android_Android"


def serial_port(rig: Rig, machine: Machine) -> Iterator[Finding]:
    """Whether the module's port is there and can be opened."""
    port = rig.module.port
    if port is None:
        where = "the plugin starts the bench" if rig.is_virtual else "it comes from the labgrid place"
        yield Finding("ok", "port", f"none to look at: {where}")
    elif port.url is None:
        yield _on_the_hub(port, machine)
    elif "://" not in port.url:
        yield from _device(Path(port.url), machine)
    else:
        yield _by_url(port.url)


def tap(rig: Rig, machine: Machine) -> Iterator[Finding]:
    """Whether the line that carries host -> module can be listened to, where a real MCU is the host."""
    listened_to = rig.module.tap
    if listened_to is not None:
        module = rig.module.model_copy(update={"port": listened_to})
        for finding in serial_port(rig.model_copy(update={"module": module}), machine):
            yield replace(finding, what="tap")


def _on_the_hub(port: Port, machine: Machine) -> Finding:
    where = f"{port.usb_path}:1.{port.interface or 0}"
    if any((machine.sys / "bus/usb/devices" / where).glob("tty*")):
        return Finding("ok", "port", f"USB {where} has a serial port")
    present = machine.sys / "bus/usb/devices" / str(port.usb_path)
    text = f"USB {where} has no serial port" if present.exists() else f"nothing is plugged in at USB {port.usb_path}"
    return Finding("error", "port", text, "look at `lsusb -t` for hub port and interface")


def _device(path: Path, machine: Machine) -> Iterator[Finding]:
    if not path.exists():
        found = sorted(str(link) for link in (machine.dev / "serial/by-path").glob("*"))
        remedy = f"there are {', '.join(found)}" if found else "no USB serial adapter is plugged in"
        yield Finding("error", "port", f"{path} is not there", remedy)
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except PermissionError:
        yield Finding("error", "port", f"{path} may not be opened", "sudo usermod -aG dialout $USER, then log in anew")
        return
    except OSError as error:
        text = "another program has it" if error.errno == errno.EBUSY else error.strerror
        yield Finding("error", "port", f"{path} cannot be opened: {text}", f"see who has it: fuser -v {path}")
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield Finding("error", "port", f"{path} is used by another program", f"see who has it: fuser -v {path}")
    else:
        yield Finding("ok", "port", f"{path} can be opened")
    finally:
        os.close(descriptor)
    if _AMBIGUOUS in path.name:
        text = "modules of this kind have no serial number: a second one gets the same name"
        yield Finding("warning", "port", text, "use /dev/serial/by-path/…, which names the hub port")


def _by_url(url: str) -> Finding:
    parts = urlsplit(url)
    if parts.scheme not in ("socket", "rfc2217") or parts.hostname is None or parts.port is None:
        return Finding("ok", "port", f"{parts.scheme}:// is not looked at")
    problem = _refused(parts.hostname, parts.port)
    if problem:
        return Finding("error", "port", f"{parts.netloc} cannot be reached: {problem}")
    if parts.scheme == "rfc2217" and "ign_set_control" not in parts.query:
        text = "a port without modem lines behind rfc2217:// ends in a time-out of 'control'"
        return Finding("hint", "port", text, "add ?ign_set_control to the URL")
    return Finding("ok", "port", f"{parts.netloc} answers")


def disturbers_of_the_port(rig: Rig, machine: Machine) -> Iterator[Finding]:
    """What spoils a port that is there: ModemManager, and the latency timer of FTDI adapters."""
    port = rig.module.port
    if port is None or port.url is None or "://" in port.url:
        return
    name = Path(os.path.realpath(port.url)).name
    if not name.startswith("tty"):
        return
    if any(_text(comm) == "ModemManager" for comm in machine.proc.glob("[0-9]*/comm")):
        text = "ModemManager runs: it opens modem ports and writes AT commands of its own"
        remedy = 'sudo systemctl mask --now ModemManager, or a udev rule with ENV{ID_MM_DEVICE_IGNORE}="1"'
        yield Finding("warning", "port", text, remedy)
    timer = machine.sys / "class/tty" / name / "device/latency_timer"
    latency = _text(timer)
    if latency.isdigit() and int(latency) > 1:
        text = f"the adapter holds received bytes back for up to {latency} ms: cuts at a URC come as much later"
        yield Finding("hint", "port", text, f"echo 1 | sudo tee {timer}, or a udev rule that does it")


def supply(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    """Whether the supply answers, and is what the rig file says."""
    settings = rig.supply
    if settings is None or settings.visa is None:
        return
    address = _SOCKET.fullmatch(settings.visa)
    problem = _refused(address["host"], int(address["port"])) if address else None
    if problem:
        remedy = "is it switched on, and is its LAN interface enabled?"
        yield Finding("error", "supply", f"{settings.visa} cannot be reached: {problem}", remedy)
        return
    from pytest_quecfota.errors import SupplyError
    from pytest_quecfota.power.instrument import Instrument
    from pytest_quecfota.rig import supply_profiles

    try:
        profile = supply_profiles.find(settings.profile)
        link = Instrument(settings.visa, transport=profile.transport, limit=LIMIT)
    except ValueError:
        return  # an unknown profile is told where profiles are looked at
    except SupplyError as error:
        yield Finding("error", "supply", str(error))
        return
    try:
        if re.search(profile.identify, link.identity):
            yield Finding("ok", "supply", f"{settings.visa} is {link.identity}")
        else:
            text = f"{settings.visa} is {link.identity}, which is not {profile.title}"
            yield Finding("error", "supply", text, "correct supply.profile")
    finally:
        link.close()


def developer_center(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    """Whether the Developer Center answers and takes the token; the real cloud cannot be asked."""
    center = rig.developer_center
    if isinstance(center, Embedded):
        yield Finding("ok", "Developer Center", "embedded: comes with the virtual bench")
    elif isinstance(center, Manual):
        yield from _prepared(rig, center)
    else:
        yield _service(center)


def _prepared(rig: Rig, center: Manual) -> Iterator[Finding]:
    if not center.plans:
        text = "no prepared plans: every test that needs one is skipped"
        yield Finding("warning", "Developer Center", text, "prepare plans in the cloud and list them under plans:")
        return
    yield Finding(
        "ok", "Developer Center", f"{len(center.plans)} prepared plans; whether they are active shows the offer"
    )
    known = {rig.model.component, *(part.component for part in rig.mcu)}
    for plan in center.plans:
        if plan.component not in known:
            text = f"a plan names the component {plan.component!r}; this rig has {', '.join(sorted(known))}"
            yield Finding("hint", "Developer Center", text)


def _service(center: Http) -> Finding:
    address = urlsplit(center.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    link = kind(address.hostname or "", address.port, timeout=LIMIT)
    try:
        words = {"Authorization": f"Bearer {center.token.get_secret_value()}"}
        link.request("GET", f"{address.path.rstrip('/')}/api/v1/projects", headers=words)
        status = link.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        text = f"{center.url} cannot be reached: {error}"
        return Finding("error", "Developer Center", text, "start it with `quecfota cloud`")
    finally:
        link.close()
    if status in (401, 403):
        return Finding(
            "error", "Developer Center", f"{center.url} does not take the token", "correct developer_center.token"
        )
    if status != 200:
        return Finding("error", "Developer Center", f"{center.url} answers {status}: is it a `quecfota cloud`?")
    return Finding("ok", "Developer Center", f"{center.url} answers and takes the token")


def _refused(host: str, port: int) -> str | None:
    """Why nothing listens there, None where something does."""
    try:
        socket.create_connection((host, port), timeout=LIMIT).close()
    except OSError as error:
        return str(error)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
