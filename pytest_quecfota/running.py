"""One test on a rig, from before its first fixture until its report: its timeline, whose fault it was, what it leaves.

`session` makes a `RunningTest` when pytest begins a test that uses a rig, shows it the report of every phase, and ends it. It
sorts reports (a module error fails in whatever phase, a bench error is broken in whatever phase), and after the last phase has
the picture drawn, Allure told, and the verdict made, which travels on the report to whoever keeps `run.json`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_quecfota.developer_center import Unavailable
from pytest_quecfota.errors import BenchError, HostObserved, ModuleError, PortLost, Reason
from pytest_quecfota.progress import MovingLine, Screen
from pytest_quecfota.report import allure, losses, picture, power_table
from pytest_quecfota.report.losses import Losses
from pytest_quecfota.report.verdicts import Verdict
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

#: How a verdict shows in the terminal: category, letter, word.
STATUS = {
    "bench-fault": ("error", "B", "BENCH FAULT"),
    "blocked": ("error", "b", "BLOCKED"),
}
#: The attribute of a test's last report that carries its verdict.
ENTRY = "quecfota_entry"

_RANK = ("failed", "broken", "blocked", "skipped", "passed")


class Blocked(Exception):
    """A test could not run: an earlier one left the module bricked."""


class RunningTest:
    """A test that runs.

    Args:
        item: what pytest runs.
        live: its rig, which records in this test's timeline from now on.
        run: the folder of the run.
        folder: makes the folder of the test.
        lost: where is noted what cannot be written.
    """

    def __init__(
        self, item: pytest.Item, live: LiveRig, *, run: Path, folder: Callable[[], Path], lost: Losses
    ) -> None:
        self.item = item
        self.live = live
        self._run = run
        self._lost = lost
        self._line: MovingLine | None = None
        self._phases: list[tuple[str, str, str, str]] = []
        self._started = time.monotonic()
        lost.take()  # what an earlier test lost after its verdict is the run's
        self.timeline = self._open(folder)
        self.timeline.listen(allure.follow_steps(self.timeline))
        live.record_to(self.timeline)

    def _open(self, folder: Callable[[], Path]) -> Timeline:
        """The test's timeline; where there is no room for one, one in memory that breaks every wait."""
        settings: dict[str, Any] = {"speed": self.live.speed, "secrets": self.live.secrets()}
        try:
            timeline = Timeline(folder(), **settings)
        except OSError as error:
            timeline = Timeline(None, **settings)
            timeline.fault(losses.unwritable("the timeline", error))
        if picture.available():
            timeline.files = (picture.PICTURE, *timeline.files)
        return timeline

    def show_on(self, screen: Screen | None) -> None:
        """Draw the moving line there."""
        if screen is not None:
            self._line = MovingLine(screen, self.timeline, self.live.model.name)

    def wipe(self) -> None:
        """Take the moving line away."""
        line, self._line = self._line, None
        if line is not None:
            line.wipe()

    def end(self) -> None:
        """Close the timeline; what happens now is recorded between tests."""
        self.wipe()
        self.live.record_to(None)
        with self._lost.noted("the timeline"):
            self.timeline.close()

    # -- whose fault -------------------------------------------------------------------------------

    def unwritten(self) -> BenchError | None:
        """The fault that what happens is not recorded, so that nothing can be proven; None while it is."""
        fault = self.timeline.broken
        return fault if isinstance(fault, BenchError) and fault.reason is Reason.EVIDENCE_UNWRITABLE else None

    def see_that_it_is_recorded(self) -> None:
        """Raises `BenchError` where what happens is not recorded."""
        fault = self.unwritten()
        if fault is not None:
            raise fault

    def blame(self, error: Exception) -> None:
        """What a test's body raised: raise what is really meant, where that is something else.

        Where the bench broke first, whatever the test then raised is the bench's fault; a used-up plan skips.
        """
        self.blame_the_disk(error)
        if isinstance(error, (Unavailable, HostObserved)):
            pytest.skip(str(error))
        fault = self.timeline.broken or (self._unheard() if isinstance(error, AssertionError) else None)
        if isinstance(fault, BenchError) and not isinstance(error, BenchError):
            raise BenchError(f"{fault}\n(the test then ended with: {error})", reason=fault.reason) from error
        if isinstance(error, ModuleError):
            self.live.check_platform()
            self.live.check_supply()
        if isinstance(error, AssertionError):
            used_up = self.live.used_up()
            if used_up is not None:
                pytest.skip(used_up)

    def _unheard(self) -> BenchError | None:
        """The fault that the port was away for a while, so that nobody knows what the module said; None where it was not.

        A module behind its own USB takes the port along when it restarts: that is its own doing.
        """
        if self.live.model.options.port_vanishes:
            return None
        away = [record for record in self.timeline.records("note") if record["text"] == "port vanished"]
        if not away:
            return None
        where, when = away[0].get("port", "the port"), away[0]["t"]
        text = f"{where} vanished at {when:.2f} s and came back: what the module said meanwhile is not known"
        return PortLost(text)

    @staticmethod
    def blame_the_disk(error: Exception) -> None:
        """A full disk is the bench's fault, whoever met it."""
        if losses.is_full(error):
            raise losses.unwritable("a file of the test", error) from error

    # -- its reports -------------------------------------------------------------------------------

    def judge(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Sort the report of a phase; with the last one the test is complete."""
        phase: str = report.when
        if phase == "call" or not report.passed:
            self.wipe()
        error = _leading(call.excinfo.value) if call.excinfo is not None else None
        outcome: str = report.outcome
        reason = ""
        if report.failed and isinstance(error, Blocked):
            _mark(report, "blocked")
            outcome = "blocked"
        elif report.failed and isinstance(error, BenchError):
            _mark(report, "bench-fault")
            outcome, reason = "broken", error.reason.value
        elif report.failed and isinstance(error, ModuleError):
            report.when = "call"
        if outcome != "passed" or phase == "call":
            text = str(error) if error is not None else ""
            if outcome == "skipped" and isinstance(report.longrepr, tuple):
                text = report.longrepr[2].removeprefix("Skipped: ")
            self._phases.append((outcome, phase, reason, text))
        if phase == "teardown":
            self._complete(report)

    def _complete(self, report: pytest.TestReport) -> None:
        """All phases are over: the picture, the attachments, the verdict."""
        directory = self.timeline.directory
        verdict, _ = self._verdict()
        if directory is not None:
            if verdict.outcome != "skipped":
                with self._lost.noted("power.csv"):
                    power_table.write(directory)
                with self._lost.noted("the picture"):
                    picture.draw(directory, verdict)
            allure.attach(directory, self.live.secrets())
        self._tell_what_is_lost(report)
        verdict, text = self._verdict()
        allure.complete(verdict, self._run, failure=text, secrets=self.live.secrets())
        setattr(report, ENTRY, {"verdict": verdict.as_json(), "text": text})
        if directory is not None:
            with self._lost.noted("what another package keeps"):
                self.item.config.hook.pytest_quecfota_evidence(directory=directory, verdict=verdict.as_json())

    def _tell_what_is_lost(self, report: pytest.TestReport) -> None:
        """A test whose evidence is not whole proves nothing, whatever it found."""
        fault = self._lost.take() or self.unwritten()
        if fault is None or any(reason == fault.reason.value for _, _, reason, _ in self._phases):
            return
        self._phases.append(("broken", "teardown", fault.reason.value, str(fault)))
        if not report.failed:
            report.outcome, report.longrepr = "failed", f"BenchError: {fault}"
            _mark(report, "bench-fault")

    def _verdict(self) -> tuple[Verdict, str]:
        """What the phases so far come to, and the whole text of why."""
        decisive = self._phases or [("skipped", "setup", "", "")]
        outcome, phase, reason, text = min(decisive, key=lambda entry: _RANK.index(entry[0]))
        directory = self.timeline.directory
        verdict = Verdict(
            self.item.nodeid,
            outcome,
            requirements=tuple(str(arg) for m in self.item.iter_markers("requirement") for arg in m.args),
            duration=time.monotonic() - self._started,
            directory=directory.relative_to(self._run).as_posix() if directory is not None else "",
            message=text.partition("\n")[0],
            rig=self.live.name,
            phase=phase,
            reason=reason,
            title=(getattr(self.item, "obj", None).__doc__ or "").strip().partition("\n")[0],
        )
        return verdict, text


def _mark(report: pytest.TestReport, verdict: str) -> None:
    vars(report).update(quecfota_verdict=verdict, when="bench")  # neither call, a failure, nor setup: its own error


def _leading(error: BaseException) -> BaseException:
    """Of several errors of one teardown the one that decides: the bench's, because it explains the others."""
    several = getattr(error, "exceptions", None)
    if not several:
        return error
    found = [_leading(each) for each in several]
    return next((each for kind in (BenchError, ModuleError) for each in found if isinstance(each, kind)), error)
