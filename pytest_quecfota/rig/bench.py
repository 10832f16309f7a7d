"""Starts the virtual bench as a process, and stops it.

The rig file, resolved, goes to the bench as one JSON document on its standard input (it may hold secrets, so it
stands on no command line); the bench answers with one line that says where its port, its supply, its Developer Center
and its control are. From there both sides meet on the wire only. Whatever the bench says besides goes to a log file.
"""

from __future__ import annotations

import contextlib
import difflib
import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.rig.bench_document import document, resolve
from pytest_quecfota.rig.bench_log import BenchLog
from pytest_quecfota.rig.schema import Rig

START_LIMIT = 20.0  # real seconds until the ready line
STOP_LIMIT = 5.0  # real seconds a bench has to clean up after itself
CONTROL_LIMIT = 10.0  # real seconds for one answer of the control interface

_FOLDER = "quecfota-bench-"
_MODULE = "pytest_quecfota.virtual"
_ADDRESSES = ("at", "supply", "developer_center", "token", "product_key", "product_secret", "device_key", "control")


class Bench:
    """A running virtual bench. `rig` is the rig with all addresses filled in, `ready` what the bench said of itself."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], rig: Rig, log: BenchLog) -> None:
        self._process = process
        self._log = log
        self.ready = ready
        self.rig = rig

    @property
    def pid(self) -> int:
        """The bench's process, which is also its process group."""
        return self._process.pid

    @property
    def initial_speed(self) -> float:
        """The speed of its clock when it was started."""
        return self.rig.speed

    def control(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask the control interface, e.g. `control("/truth")` or `control("/clock", "POST", {"step": 60})`.

        Returns the decoded JSON, None for an empty answer.

        Raises:
            ValueError: the bench refuses what is asked.
            BenchError: it does not answer, or has died.
        """
        address = urlsplit(self.ready["control"])
        link = http.client.HTTPConnection(address.hostname or "", address.port, timeout=CONTROL_LIMIT)
        try:
            text = None if body is None else json.dumps(body)
            link.request(method, path, text, {} if body is None else {"Content-Type": "application/json"})
            answer = link.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self.died() or _broken(f"the virtual bench does not answer {method} {path}: {error}") from error
        finally:
            link.close()
        if 400 <= answer.status < 500:
            raise ValueError(f"{method} {path}: {_reason(content)}")
        if answer.status >= 500:
            raise _broken(
                f"the virtual bench failed at {method} {path}: {_reason(content)}; its log: {self._log.tail()}"
            )
        return json.loads(content) if content else None

    def died(self) -> BenchError | None:
        """The error that says how the bench died, None while it runs."""
        code = self._process.poll()
        return (
            None if code is None else _broken(f"the virtual bench died ({_ending(code)}); its log: {self._log.tail()}")
        )

    def wait(self) -> None:
        """Until it ends by itself."""
        self._process.wait()

    def stop(self) -> None:
        """End it and all it started: SIGTERM, after five seconds SIGKILL. Harmless when called twice."""
        try:
            _end(self._process)
        finally:
            self._log.close()
            self._sweep()

    def _sweep(self) -> None:
        """The temporary folder of a bench that was killed and could not remove it itself."""
        folder = Path(str(self.ready["at"])).parent
        if folder.name.startswith(_FOLDER):
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, _kind: object, _error: object, _trace: TracebackType | None) -> None:
        self.stop()


def start(
    rig: Rig,
    *,
    defects: Sequence[str] = (),
    seed: int | None = None,
    state: Path | None = None,
    log: Path | None = None,
    limit: float = START_LIMIT,
    command: Sequence[str] | None = None,
) -> Bench:
    """Start the bench of a virtual rig.

    Args:
        rig: from `load`; its section `virtual` says how the bench is built.
        defects, seed, state: override what the rig file says.
        log: file for what the bench says; a temporary one if left out.
        limit: real seconds until it must be ready.
        command: another program that keeps the same contract, for tests.

    Raises:
        ValueError: the rig is not virtual.
        BenchError: the bench does not come up; the text holds the end of its log.
    """
    words = document(rig, defects=defects, seed=seed, state=state)
    kept = BenchLog(log)
    program = list(command or [sys.executable, "-m", _MODULE, "--document", "-"])
    try:
        process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=kept.file, start_new_session=True
        )
    except BaseException:
        kept.close()
        raise
    try:
        _hand_over(process, words)
        ready = _ready_line(process, kept, limit)
        return Bench(process, ready, resolve(rig, ready), kept)
    except BaseException:
        _end(process)
        kept.close()
        raise


def check_defects(names: Sequence[str]) -> None:
    """See that the virtual module knows these faults.

    Raises:
        ValueError: one of them is none; the text says what is near.
    """
    if not names:
        return
    command = [sys.executable, "-m", _MODULE, "defects"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=START_LIMIT, text=True).stdout)
    known = [defect["name"] for defect in listed]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no defect {name!r}{hint} `quecfota defects` lists them")


def run_in_foreground(
    rig: Rig,
    *,
    as_json: bool = False,
    state: Path | None = None,
    defects: Sequence[str] = (),
    seed: int | None = None,
    command: Sequence[str] | None = None,
) -> int:
    """`quecfota bench`: say where the bench of a virtual rig is, and run it until SIGTERM, SIGINT, or its end.

    Returns the exit code: 0 told to stop, 2 the rig is not virtual, 3 the bench did not come up or died.
    """
    if not rig.is_virtual:
        print(f"rig {rig.name!r} is not virtual: there is no bench to start for it", file=sys.stderr)
        return 2
    log = None if state is None else state / "bench.log"
    options: dict[str, Any] = {"defects": defects, "seed": seed, "command": command}
    before = {number: signal.signal(number, _told_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with start(rig, state=state, log=log, **options) as bench:
            words = bench.ready
            print(json.dumps(words) if as_json else "\n".join(f"{k:<17} {v}" for k, v in words.items()), flush=True)
            bench.wait()
            raise bench.died() or _broken("the virtual bench ended")
    except _Stop:
        return 0
    except BenchError as error:
        print(error, file=sys.stderr)
        return 3
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop(BaseException):
    """Raised by the signals that end a bench in the foreground."""


def _told_to_stop(_number: int, _frame: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # once is enough: what follows is the clean end
    raise _Stop


def _hand_over(process: subprocess.Popen[bytes], words: dict[str, Any]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died at once: the ready line will not come, and that is told
        process.stdin.write(json.dumps(words).encode())
        process.stdin.close()


def _ready_line(process: subprocess.Popen[bytes], log: BenchLog, limit: float) -> dict[str, Any]:
    assert process.stdout is not None
    deadline = time.monotonic() + limit
    text = b""
    while not text.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise _broken(f"the virtual bench is not ready after {limit:g} s; its log: {log.tail()}")
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            code = process.wait(STOP_LIMIT)
            raise _broken(f"the virtual bench did not start ({_ending(code)}); its log: {log.tail()}")
        text += chunk
    try:
        ready = json.loads(text)
        missing = [name for name in _ADDRESSES if name not in ready]
    except (ValueError, TypeError):
        raise _broken(f"the virtual bench said {text[:200]!r} instead of where it is") from None
    if missing:
        raise _broken(f"the virtual bench did not say its {', '.join(missing)}")
    return dict(ready)


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the bench, in time; SIGKILL to whatever of its group is left."""
    try:
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_LIMIT)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _broken(text: str) -> BenchError:
    return BenchError(text, reason=Reason.BENCH_DIED)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}" if -code in list(signal.Signals) else f"signal {-code}"


def _reason(content: bytes) -> str:
    """What a problem document says, or the beginning of whatever came."""
    try:
        words = json.loads(content)
        return str(words.get("detail") or words.get("title") or words.get("error") or words)
    except (ValueError, AttributeError):
        return content[:300].decode(errors="replace") or "no reason given"
