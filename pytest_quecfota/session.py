"""One pytest run on one or more rigs: which tests run where, what each came to, and the evidence it leaves.

`plugin` calls this; everything that costs time to import is imported here, not there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_quecfota import options
from pytest_quecfota.errors import BenchError, ModuleBricked, RigError, RigHeld
from pytest_quecfota.fixtures import uses_rig
from pytest_quecfota.progress import Screen, screen_of
from pytest_quecfota.report import allure_files, allure_guard, evidence, losses, static, summary
from pytest_quecfota.report.verdicts import RigFacts, Verdict
from pytest_quecfota.rig import find, load, supply_profiles
from pytest_quecfota.rig.bench import check_defects
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.rig.schema import Rig
from pytest_quecfota.running import ENTRY, Blocked, RunningTest
from pytest_quecfota.selection import Selection

NO_VERDICT = 8  # exit code of a run with bench faults and no failure
LOST = "quecfota_lost"  # what a worker of xdist tells its controller that it could not write


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


def _refuse_what_is_not_there_yet(config: pytest.Config) -> None:
    for flag in ("--campaign-points", "--campaign-resume", "--campaign-point", "--replay"):
        if options.get(config, flag):
            raise pytest.UsageError(f"{flag}: campaigns and replays are not part of this version")


class Session:
    """The state of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.rigs = self._load_rigs()
        _refuse_what_is_not_there_yet(config)
        _refuse_unknown_defects(options.get(config, "--defect"))
        self._live: dict[str, LiveRig] = {}
        self._run: evidence.Run | None = None
        self._test: RunningTest | None = None
        self._finished: int | None = None
        self._screen: Screen | None = None
        self._lost = losses.Losses()
        self._guard = allure_guard.Guard(self._lost)
        self._faults_in_a_row = 0
        self._faulty = ""
        self._counts = {"failed": 0, "bench-fault": 0, "blocked": 0}
        self._worker = getattr(config, "workerinput", None)
        if not config.option.collectonly:
            try:
                self._make_evidence()
            except OSError as error:
                pytest.exit(f"bench fault: {losses.unwritable('the evidence', error)}", returncode=NO_VERDICT)
            self._guard.on()
        self.selection = Selection(config, self.rigs)

    # -- rigs --------------------------------------------------------------------------------------

    def _load_rigs(self) -> dict[str, Rig]:
        names = options.get(self.config, "--rig")
        folder = options.get(self.config, "--rig-dir")
        try:
            for given in self.config.hook.pytest_quecfota_supply_profiles():
                supply_profiles.take(given, "the hook pytest_quecfota_supply_profiles")
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
        for name in self.rigs if len(self.rigs) > 1 else ():
            (self.directory / "rigs" / name).mkdir(parents=True)
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
        except (BenchError, OSError) as error:
            pytest.exit(f"bench fault: {error}", returncode=NO_VERDICT)

    # -- around a test -----------------------------------------------------------------------------

    def begin_test(self, item: pytest.Item) -> None:
        """Open the test's timeline; what its fixtures bring up is recorded in it."""
        live = self.live(self.selection.rig_of(item).name)
        folder = self._test_directory
        self._test = RunningTest(item, live, run=self.directory, folder=lambda: folder(item), lost=self._lost)
        self._test.show_on(self._screen)

    def end_test(self) -> None:
        """Close the timeline."""
        test, self._test = self._test, None
        if test is not None:
            test.end()

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

    @property
    def test(self) -> RunningTest | None:
        """The test that runs, where it uses a rig."""
        return self._test

    def judge(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Sort a report: a module error fails in whatever phase, a bench error is broken in whatever phase."""
        if self._test is not None:
            self._test.judge(call, report)

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
            with self._lost.noted(evidence.RUN):
                self._run.settled()

    def worker_ended(self, told: dict[str, Any]) -> None:
        """xdist: what a worker could not write is lost to the run."""
        self._lost.adopt(told.get(LOST, ()))

    def too_many_faults(self) -> str | None:
        """Why the run is aborted, or None."""
        limit = options.get(self.config, "--rig-max-faults")
        if limit and self._faults_in_a_row >= limit:
            return f"{self._faults_in_a_row} bench faults in a row (--rig-max-faults {limit})"
        return None

    def finish(self, session: pytest.Session) -> None:
        """Exit code and run files."""
        if self._worker is not None:
            self.config.workeroutput[LOST] = self._lost.told  # type: ignore[attr-defined]
        if self._run is not None:
            self._run.use_reserve()
            self._write_the_rest(self._run)
        self._set_exit_code(session)
        if self._run is not None:
            self._conclude(self._run)

    def write_page(self) -> None:
        """The static page: last, because the disk may not have room for all."""
        if self._run is not None:
            with self._lost.noted(static.PAGE):
                static.build(self.directory)

    def finish_without(self, session: pytest.Session, error: OSError) -> None:
        """Another plugin could not write its file at the end: a loss like ours. What pytest does last is done all the same."""
        self._lost.add("a report of another plugin", error)
        self._set_exit_code(session)
        manager = self.config.pluginmanager
        last = [manager.get_plugin(name) for name in ("dsession", "runner")]
        others = [plugin for plugin in manager.get_plugins() if plugin not in last]
        manager.subset_hook_caller("pytest_sessionfinish", others)(session=session, exitstatus=session.exitstatus)

    def _set_exit_code(self, session: pytest.Session) -> None:
        aborted = session.exitstatus == pytest.ExitCode.INTERRUPTED and self.too_many_faults() is not None
        if aborted or session.exitstatus == pytest.ExitCode.TESTS_FAILED or (self._lost and session.exitstatus == 0):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self._counts["failed"] else NO_VERDICT
        self._finished = int(session.exitstatus)

    def _write_the_rest(self, run: evidence.Run) -> None:
        """What speaks of the whole run, and does not say how it ended."""
        results = Path(self.config.option.allure_report_dir)
        with self._lost.noted(evidence.RUN):
            for live in self._live.values():
                identity = getattr(live, "identity", None)
                if identity is not None:
                    run.module({**vars(identity), "model": live.model.name}, rig=live.name)
        with self._lost.noted("Allure's results"):
            allure_guard.sweep(results)
            allure_files.write_run_files(results, run, self.rigs.values())

    def _conclude(self, run: evidence.Run) -> None:
        """How the run ended, and the manifest."""
        run.lost(self._lost.told)
        with self._lost.noted(f"{evidence.RUN} or the manifest"):
            run.finish(self._finished)

    def closing_lines(self, reporter: Any) -> None:
        """Where the report is and what it says."""
        if self._run is None or not self._run.verdicts:
            return
        reporter.section("quecfota")
        for line in summary.lines(self._run.as_record()):
            reporter.write_line(line)
        for line in self._lost.told:
            reporter.write_line(f"lost     {line}", red=True)

    def close(self) -> None:
        """Whatever pytest left open; then the manifest, when nothing is written any more."""
        for live in self._live.values():
            live.close()
        self._guard.off()
        if self._run is not None and self._finished is not None:
            self._conclude(self._run)
        if self._screen is not None:
            self._screen.close()


def _method(marker: pytest.Mark) -> object:
    """The method that a `timeout` marker names: its second argument."""
    return marker.kwargs.get("method", marker.args[1] if len(marker.args) > 1 else None)


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
