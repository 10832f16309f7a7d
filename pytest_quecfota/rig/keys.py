"""Pressing the keys of a module, as `controls` describes them: a modem line of its port, a GPIO, a program, an instrument.

A key is pressed for a time and released whatever happens meanwhile. Where it does not do as it is told, the bench is at fault.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.rig.controls import Command, GpioLine, ScpiMessages, SerialLine, Switch

if TYPE_CHECKING:
    from pytest_quecfota.rig.live import LiveRig

Press = Callable[[float], None]


def presses(rig: LiveRig) -> dict[str, Press | None]:
    """What `Module` may press on this rig, by the names of its arguments."""
    controls = rig.config.controls
    keys = {"press_reset": controls.reset, "press_pwrkey": controls.pwrkey}
    return {name: None if key is None else _press(rig, name.removeprefix("press_"), key) for name, key in keys.items()}


def _press(rig: LiveRig, name: str, key: Switch) -> Press:
    def press(seconds: float) -> None:
        hold = key.hold if key.hold is not None else seconds
        rig.timeline.record("note", text=f"{name} pressed for {hold:g} s")
        with pressed(key, rig.wire):
            rig.timeline.events.pause(hold)

    return press


@contextmanager
def pressed(key: Switch, wire: Wire) -> Iterator[None]:
    """Within the block the key is pressed.

    Raises:
        BenchError: it cannot be pressed or released; the port or the instrument is gone.
    """
    kinds: dict[type, Callable[[Any, Wire], Any]] = {
        SerialLine: _modem_line,
        GpioLine: _gpio,
        Command: _programs,
        ScpiMessages: _messages,
    }
    with kinds[type(key)](key, wire):
        yield


@contextmanager
def _modem_line(key: SerialLine, wire: Wire) -> Iterator[None]:
    wire.set_line(key.kind, not key.inverted)
    try:
        yield
    finally:
        wire.set_line(key.kind, key.inverted)


@contextmanager
def _gpio(key: GpioLine, _wire: Wire) -> Iterator[None]:
    try:
        import gpiod
        from gpiod.line import Direction, Value
    except ImportError as error:
        raise _broken("a key on a GPIO needs the extra: pip install 'pytest-quecfota[gpio]'") from error
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE, active_low=key.active_low)
    try:
        with gpiod.request_lines(key.chip, consumer="quecfota", config={key.line: settings}) as request:
            request.set_value(key.line, Value.ACTIVE)
            try:
                yield
            finally:
                request.set_value(key.line, Value.INACTIVE)
    except OSError as error:
        raise _broken(f"line {key.line} of {key.chip} cannot be set: {error}") from error


@contextmanager
def _programs(key: Command, _wire: Wire) -> Iterator[None]:
    _run(key.press, key.timeout)
    try:
        yield
    finally:
        if key.release is not None:
            _run(key.release, key.timeout)


def _run(words: tuple[str, ...], timeout: float) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _broken(f"{' '.join(words)}: {error}") from error
    if done.returncode != 0:
        raise _broken(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")


@contextmanager
def _messages(key: ScpiMessages, _wire: Wire) -> Iterator[None]:
    _send(key.visa, key.press)
    try:
        yield
    finally:
        if key.release is not None:
            _send(key.visa, key.release)


def _send(address: str, message: str) -> None:
    import pyvisa

    try:
        with pyvisa.ResourceManager("@py").open_resource(address) as instrument:
            instrument.write_termination = "\n"  # type: ignore[attr-defined]
            instrument.write(message)  # type: ignore[attr-defined]
    except (OSError, pyvisa.errors.Error) as error:
        raise _broken(f"{address} does not take {message!r}: {error}") from error


def _broken(text: str) -> BenchError:
    return BenchError(f"controls: {text}", reason=Reason.CONFIGURATION)
