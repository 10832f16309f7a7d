"""pytest options and hooks, nothing else.

A run without a rig pays only for this module and `options`; everything else is imported when a test needs a rig.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_quecfota import options
from pytest_quecfota.fixtures import *  # noqa: F403  the fixtures are part of the plugin
from pytest_quecfota.fixtures import SESSION, uses_rig

if TYPE_CHECKING:
    from pytest_quecfota.running import RunningTest
    from pytest_quecfota.session import Session

MARKERS = (
    "requirement(id, ...): the requirements this test proves, e.g. OTA-07",
    "needs(capability, ...): skip where the rig has not all of them: supply, cuts, battery, mcu, monitoring, plans, virtual ...",
    "smoke: the few tests that show at once whether a rig works",
    "nightly: waits more than two module minutes; left out on virtual and sped-up rigs unless --full is given",
    "campaign: many disturbed upgrades; runs only when selected",
    "spends_plan: refuses an upgrade; runs last where a person has prepared the plans, as a refusal lasts for hours",
    "module_time(duration): the module time a test may take; sets the time limit of the test",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_quecfota import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if options.get(config, "--defect") != ["list"]:
        return None
    from pytest_quecfota.cli import main

    return main(["defects"])


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if options.get(config, "--rig"):
        from pytest_quecfota.session import Session

        session = config.stash[SESSION] = Session(config)
        config.pluginmanager.register(_Tally(session), "quecfota-tally")


def _session(config: pytest.Config) -> Session | None:
    return config.stash.get(SESSION, None)


def pytest_report_header(config: pytest.Config) -> list[str]:
    session = _session(config)
    return session.header() if session else []


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """xdist, on the controller: one rig per worker."""
    session = _session(node.config)  # type: ignore[attr-defined]
    if session:
        session.give_rig_to(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """xdist, on the controller: a worker has ended."""
    session = _session(node.config)  # type: ignore[attr-defined]
    if session:
        session.worker_ended(getattr(node, "workeroutput", {}))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    session = _session(metafunc.config)
    if session and "rig" in metafunc.fixturenames:
        session.selection.parametrize(metafunc)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    session = _session(config)
    if session:
        session.selection.select(items)
    elif any(uses_rig(item) for item in items):
        from pytest_quecfota.session import explain_missing_rig

        raise pytest.UsageError(explain_missing_rig(config))


def pytest_collection_finish(session: pytest.Session) -> None:
    ours = _session(session.config)
    if ours:
        ours.hold_rigs(session.items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    session = _session(item.config)
    if session is None or not uses_rig(item):
        return (yield)
    session.begin_test(item)
    try:
        return (yield)
    finally:
        session.end_test()
        item.session.shouldstop = session.too_many_faults() or item.session.shouldstop


def _test(item: pytest.Item) -> RunningTest | None:
    session = _session(item.config)
    return session.test if session else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    test = _test(item)
    if test:
        test.see_that_it_is_recorded()
    try:
        return (yield)
    except Exception as error:
        if test:
            test.blame_the_disk(error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    test = _test(item)
    try:
        yield
    except Exception as error:
        if test:
            test.blame(error)
        raise
    if test:
        test.see_that_it_is_recorded()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    test = _test(item)
    try:
        return (yield)
    except Exception as error:
        if test:
            test.blame_the_disk(error)
        raise


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = _session(item.config)
    if session:
        session.judge(call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    verdict = getattr(report, "quecfota_verdict", None)
    if verdict is None:
        return None
    from pytest_quecfota.running import STATUS

    return STATUS.get(verdict)


class _Tally:
    """Hands the reports of this process, or of all xdist workers, to the session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._session.count(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """A full disk meets other plugins' files as well: JUnit XML, for one."""
        try:
            return (yield)
        except OSError as error:
            self._session.finish_without(session, error)
            return None
        finally:
            self._session.write_page()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    ours = _session(session.config)
    if ours:
        ours.finish(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session = _session(config)
    if session:
        session.closing_lines(terminalreporter)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    session = _session(config)
    if session:
        session.close()
