"""One pytest run on one or more rigs: which tests run where, what each came to, and the evidence it leaves.

`plugin` calls this; everything that costs time to import is imported here, not there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_quecfota import options
from pytest_quecfota.developer_center import Unavailable
from pytest_quecfota.errors import BenchError, ModuleBricked, ModuleError, RigError, RigHeld
from pytest_quecfota.fixtures import uses_rig
from pytest_quecfota.progress import MovingLine, Screen, screen_of
from pytest_quecfota.report import allure, allure_files, evidence, picture, power_table, static, summary
from pytest_quecfota.report.verdicts import RigFacts, Verdict
from pytest_quecfota.rig import find, load
from pytest_quecfota.rig.bench import check_defects
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.rig.schema import Rig
from pytest_quecfota.selection import Selection
from pytest_quecfota.timeline import Timeline

NO_VERDICT = 8  # exit code of a run with bench faults and no failure

#: How a verdict shows in the terminal: category, letter, word.
STATUS = {
    "bench-fault": ("error", "B", "BENCH FAULT"),
    "blocked": ("error", "b", "BLOCKED"),
}
ENTRY = "quecfota_entry"


class Blocked(Exception):
    """A test could not run: an earlier one left the module bricked."""


def explain_missing_rig(config: pytest.Config) -> str:
    """The one message of a run that selects tests needing a rig and names none."""
    folder = options.get(config, "--rig-dir")
    return f"these tests need a rig: give one with --rig. {_rigs_found(folder)}"


def _rigs_found(folder: Path) -> str:
    found = [path.stem for path in find(folder)]
    return f"Rigs in {folder}/: {', '.join(found)}" if found else f"There are no rig files in {folder}/"


def _refuse_unknown_defects(names: Sequence[str]) -> None:
    try:
        check_defects(names)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _refuse_what_is_not_there_yet(config: pytest.Config, rigs: Iterable[Rig]) -> None:
    for flag in ("--campaign-points", "--campaign-resume", "--campaign-point", "--replay"):
        if options.get(config, flag):
            raise pytest.UsageError(f"{flag}: campaigns and replays are not part of this version")
    for rig in rigs:
        if rig.host == "observed":
            raise pytest.UsageError(f"rig {rig.name}: host: observed is not part of this version; only host: played is")


class Session:
    """The state of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.rigs = self._load_rigs()
        _refuse_what_is_not_there_yet(config, self.rigs.values())
        _refuse_unknown_defects(options.get(config, "--defect"))
        self._live: dict[str, LiveRig] = {}
        self._run: evidence.Run | None = None
        self._timeline: Timeline | None = None
        self._finished: int | None = None
        self._screen: Screen | None = None
        self._line: MovingLine | None = None
        self._started = 0.0
        self._phases: list[tuple[str, str, str, str]] = []
        self._faults_in_a_row = 0
        self._faulty = ""
        self._counts = {"failed": 0, "bench-fault": 0, "blocked": 0}
        self._worker = getattr(config, "workerinput", None)
        if not config.option.collectonly:
            self._make_evidence()
        self.selection = Selection(config, self.rigs)

    # -- rigs --------------------------------------------------------------------------------------

    def _load_rigs(self) -> dict[str, Rig]:
        names = options.get(self.config, "--rig")
        folder = options.get(self.config, "--rig-dir")
        try:
            loaded = [load(name, rig_dir=folder) for name in names]
        except RigError as error:
            raise pytest.UsageError(str(error)) from None
        names_given = [rig.name for rig in loaded]
        if len(set(names_given)) < len(names_given):
            raise pytest.UsageError(f"--rig: two rigs have the same name: {', '.join(names_given)}")
        return {rig.name: rig for rig in loaded}

    def _make_evidence(self) -> None:
        worker = self._worker
        if worker is not None:
            self.directory = Path(worker["quecfota_run"])
            mine = worker["quecfota_rig"]
            self.rigs = {mine: self.rigs[mine]}
            return
        facts = [RigFacts.of(rig) for rig in self.rigs.values()]
        secrets = [secret for rig in self.rigs.values() for secret in rig.secrets()]
        self._run = evidence.Run(
            options.get(self.config, "--evidence"),
            facts,
            command=["pytest", *map(str, self.config.invocation_params.args)],
            secrets=secrets,
            repository=self.config.rootpath,
        )
        self.directory = self._run.directory
        if not self.config.option.allure_report_dir:
            self.config.option.allure_report_dir = str(self.directory / "allure-results")

    def give_rig_to(self, node: Any) -> None:
        """xdist: one rig per worker."""
        if options.get(self.config, "--rig-each"):
            raise pytest.UsageError("--rig-each runs the rigs one after another: leave -n out")
        names = list(self.rigs)
        number = int(node.gateway.id.removeprefix("gw"))
        if number >= len(names):
            raise pytest.UsageError(f"worker {node.gateway.id} has no rig: {len(names)} given, use -n {len(names)}")
        node.workerinput["quecfota_rig"] = names[number]
        node.workerinput["quecfota_run"] = str(self.directory)

    def header(self) -> list[str]:
        """What the run's first lines say."""
        lines = [f"rig {r.name}: {r.module.model}{', virtual' if r.is_virtual else ''}" for r in self.rigs.values()]
        return [*lines, f"evidence: {_short(self.directory)}"] if hasattr(self, "directory") else lines

    def live(self, name: str | None) -> LiveRig:
        """The live rig of that name; the only one where None."""
        name = name or next(iter(self.rigs))
        if name not in self._live:
            hook = self.config.hook
            self._live[name] = LiveRig(
                self.rigs[name],
                directory=self.directory if len(self.rigs) == 1 else self.directory / "rigs" / name,
                run=self.directory.name,
                defects=options.get(self.config, "--defect"),
                seed=options.get(self.config, "--quecfota-seed"),
                firmware=options.get(self.config, "--firmware"),
                wait=options.get(self.config, "--rig-wait"),
                make_center=lambda rig: hook.pytest_quecfota_developer_center(rig=rig, run=self.directory.name),
                make_supply=lambda rig: hook.pytest_quecfota_supply(rig=rig),
            )
        return self._live[name]

    # -- the rigs -----------------------------------------------------------------------------------

    def hold_rigs(self, items: list[pytest.Item]) -> None:
        """Before the first test: take the lease of every rig that is a bench of its own."""
        if self.config.option.collectonly or not any(uses_rig(i) for i in items):
            return
        self._screen = screen_of(self.config)
        if self._worker is None and self.config.pluginmanager.hasplugin("dsession"):
            return
        method = self.config.getoption("timeout_method", None) or self.config.getini("timeout_method")
        marked = [marker for item in items for marker in item.iter_markers("timeout") if uses_rig(item)]
        if "thread" in {method, *(_method(marker) for marker in marked)} and not all(
            rig.is_virtual for rig in self.rigs.values()
        ):
            raise pytest.UsageError(
                "timeout_method=thread ends the process without any teardown and leaves the supply as it is: "
                "use timeout_method=signal on a rig of hardware"
            )
        try:
            for name, rig in self.rigs.items():
                if not rig.needs_bench:
                    self.live(name).start()
        except RigHeld as held:
            raise pytest.UsageError(str(held)) from None
        except BenchError as error:
            pytest.exit(f"bench fault: {error}", returncode=NO_VERDICT)

    # -- around a test -----------------------------------------------------------------------------

    def begin_test(self, item: pytest.Item) -> None:
        """Open the test's timeline; what its fixtures bring up is recorded in it."""
        live = self.live(self.selection.rig_of(item).name)
        directory = self._test_directory(item)
        self._timeline = Timeline(directory, speed=live.speed, secrets=live.secrets())
        if picture.available():
            self._timeline.files = (picture.PICTURE, *self._timeline.files)
        self._timeline.listen(allure.follow_steps(self._timeline))
        self._phases = []
        self._started = time.monotonic()
        live.record_to(self._timeline)
        if self._screen is not None:
            self._line = MovingLine(self._screen, self._timeline, live.model.name)

    def end_test(self, item: pytest.Item) -> None:
        """Close the timeline."""
        self._wipe()
        timeline, self._timeline = self._timeline, None
        self.live(self.selection.rig_of(item).name).record_to(None)
        if timeline is not None:
            timeline.close()

    def _wipe(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.wipe()

    def _test_directory(self, item: pytest.Item) -> Path:
        if self._run is not None:
            return self._run.test_directory(item.nodeid, rig=self.selection.rig_of(item).name)
        return evidence.new_test_folder(self.directory, item.nodeid, rig=self.selection.rig_of(item).name)

    def refuse_blocked(self, rig: LiveRig) -> None:
        """Raise `Blocked` where an earlier test found the module bricked."""
        if rig.bricked_by is not None:
            raise Blocked(f"blocked: bricked by {rig.bricked_by}")

    def check_health(self, rig: LiveRig) -> None:
        """Before a test uses the module: it answers."""
        try:
            rig.check_health()
        except ModuleBricked:
            rig.bricked_by = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
            raise

    def put_back(self, rig: LiveRig) -> None:
        """After a test: undo what it changed; everything that went wrong is told together."""
        problems = rig.put_back()
        if not problems:
            rig.timeline.events.check()  # what an action of events.on raised, and no expectation has told
            return
        bench = [p for p in problems if isinstance(p, BenchError)]
        first = (bench or problems)[0]
        for other in problems:
            if other is not first:
                rig.timeline.record("note", text=f"also while putting back: {other}")
        raise first

    def blame_the_bench(self, item: pytest.Item, error: Exception) -> None:
        """Where the bench broke first, whatever the test then raised is the bench's fault; a used-up plan skips."""
        if isinstance(error, Unavailable):
            pytest.skip(str(error))
        fault = self._timeline.broken if self._timeline is not None else None
        if isinstance(fault, BenchError) and not isinstance(error, BenchError):
            raise BenchError(f"{fault}\n(the test then ended with: {error})", reason=fault.reason) from error
        if isinstance(error, ModuleError):
            self.live(self.selection.rig_of(item).name).check_platform()
        if self._timeline is not None and isinstance(error, AssertionError):
            used_up = self.live(self.selection.rig_of(item).name).used_up()
            if used_up is not None:
                pytest.skip(used_up)

    def judge(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Sort a report: a module error fails in whatever phase, a bench error is broken in whatever phase."""
        if not uses_rig(item):
            return
        phase: str = report.when
        if phase == "call" or not report.passed:
            self._wipe()
        error = _leading(call.excinfo.value) if call.excinfo is not None else None
        outcome: str = report.outcome
        reason = ""
        if report.failed and isinstance(error, Blocked):
            self._mark(report, "blocked")
            outcome = "blocked"
        elif report.failed and isinstance(error, BenchError):
            self._mark(report, "bench-fault")
            outcome, reason = "broken", error.reason.value
        elif report.failed and isinstance(error, ModuleError):
            report.when = "call"
        if outcome != "passed" or phase == "call":
            text = str(error) if error is not None else ""
            if outcome == "skipped" and isinstance(report.longrepr, tuple):
                text = report.longrepr[2].removeprefix("Skipped: ")
            self._phases.append((outcome, phase, reason, text))
        if phase == "teardown":
            self._complete(item, report)

    @staticmethod
    def _mark(report: pytest.TestReport, verdict: str) -> None:
        vars(report).update(quecfota_verdict=verdict, when="bench")  # neither call, a failure, nor setup: its own error

    def _complete(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """All phases are over: the picture, the attachments, the verdict."""
        timeline = self._timeline
        if timeline is None or timeline.directory is None:
            return
        rank = ["failed", "broken", "blocked", "skipped", "passed"]
        outcome, phase, reason, text = min(
            self._phases or [("skipped", "setup", "", "")], key=lambda entry: rank.index(entry[0])
        )
        rig = self.selection.rig_of(item)
        requirements = tuple(str(arg) for marker in item.iter_markers("requirement") for arg in marker.args)
        verdict = Verdict(
            item.nodeid,
            outcome,
            requirements=requirements,
            duration=time.monotonic() - self._started,
            directory=timeline.directory.relative_to(self.directory).as_posix(),
            message=text.partition("\n")[0],
            rig=rig.name,
            phase=phase,
            reason=reason,
            title=(getattr(item, "obj", None).__doc__ or "").strip().partition("\n")[0],
        )
        if outcome != "skipped":
            power_table.write(timeline.directory)
            picture.draw(timeline.directory, verdict)
        allure.complete(verdict, timeline.directory, failure=text, secrets=self.live(rig.name).secrets())
        setattr(report, ENTRY, {"verdict": verdict.as_json(), "text": text})
        self.config.hook.pytest_quecfota_evidence(directory=timeline.directory, verdict=verdict.as_json())

    # -- the whole run -----------------------------------------------------------------------------

    def count(self, report: pytest.TestReport) -> None:
        """Keep the tally, where the reports of all workers arrive."""
        verdict = getattr(report, "quecfota_verdict", None)
        if report.failed:
            self._counts[verdict or "failed"] += 1
        if verdict == "bench-fault":
            self._faults_in_a_row += report.nodeid != self._faulty
            self._faulty = report.nodeid
        elif report.when == "call":
            self._faults_in_a_row = 0
        entry = getattr(report, ENTRY, None)
        if entry is not None and self._run is not None:
            self._run.record(Verdict.from_json(entry["verdict"]), entry["text"])

    def too_many_faults(self) -> str | None:
        """Why the run is aborted, or None."""
        limit = options.get(self.config, "--rig-max-faults")
        if limit and self._faults_in_a_row >= limit:
            return f"{self._faults_in_a_row} bench faults in a row (--rig-max-faults {limit})"
        return None

    def finish(self, session: pytest.Session) -> None:
        """Exit code, run files, the static page."""
        aborted = session.exitstatus == pytest.ExitCode.INTERRUPTED and self.too_many_faults() is not None
        if aborted or session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self._counts["failed"] else NO_VERDICT
        if self._run is not None:
            for live in self._live.values():
                identity = getattr(live, "identity", None)
                if identity is not None:
                    self._run.module({**vars(identity), "model": live.model.name})
            allure_files.write_run_files(Path(self.config.option.allure_report_dir), self._run, self.rigs.values())
            self._run.finish(int(session.exitstatus))
            static.build(self.directory)
            self._finished = int(session.exitstatus)

    def closing_lines(self, reporter: Any) -> None:
        """Where the report is and what it says."""
        if self._run is None or not self._run.verdicts:
            return
        reporter.section("quecfota")
        for line in summary.lines(evidence.open_run(self.directory)):
            reporter.write_line(line)

    def close(self) -> None:
        """Whatever pytest left open; then the manifest, when nothing is written any more."""
        for live in self._live.values():
            live.close()
        if self._run is not None and self._finished is not None:
            self._run.finish(self._finished)
        if self._screen is not None:
            self._screen.close()


def _method(marker: pytest.Mark) -> object:
    """The method that a `timeout` marker names: its second argument."""
    return marker.kwargs.get("method", marker.args[1] if len(marker.args) > 1 else None)


def _leading(error: BaseException) -> BaseException:
    """Of several errors of one teardown the one that decides: the bench's, because it explains the others."""
    several = getattr(error, "exceptions", None)
    if not several:
        return error
    found = [_leading(each) for each in several]
    return next((each for kind in (BenchError, ModuleError) for each in found if isinstance(each, kind)), error)


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
