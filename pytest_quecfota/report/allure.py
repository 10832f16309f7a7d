"""What Allure is told of a test: where it belongs, what it proves, how it ended, what the host did, and its files.

allure-pytest writes the results; this module adds to the result that is open in this thread, so it works with the listener
of allure-pytest and does nothing where that is off. `labels`, `links` and `status_of` are pure; what belongs to the whole
run (environment, categories, executor) is in `allure_files`. The classes map to Allure's like this: a `ModuleError` is
`failed`; a `BenchError` is `broken`, its message begins with `bench fault`; `blocked` is `broken`, its message begins so.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_quecfota.report import redaction, requirements
from pytest_quecfota.report.allure_files import BENCH_FAULT, BLOCKED, write_run_files
from pytest_quecfota.report.evidence import CATALOGUE
from pytest_quecfota.report.picture import PICTURE
from pytest_quecfota.report.requirements import Catalogue
from pytest_quecfota.report.verdicts import Verdict

__all__ = ["attach", "complete", "follow_steps", "labels", "links", "status_of", "write_run_files"]

#: Files of a test that are attached: (file, title, name of allure's attachment type).
ATTACHMENTS = (
    (PICTURE, "timeline", "SVG"),
    ("uart.log", "uart.log", "TEXT"),
    ("power.csv", "power", "CSV"),
    ("timeline.jsonl", "timeline.jsonl", "TEXT"),
)
#: What is longer is attached without its beginning: a report in a browser is no place for a gigabyte.
LARGEST_BYTES = 1 << 20

_WHOSE = {"module": "The module", "platform": "The Developer Center", "host": "The host"}
_SUITES = ("parentSuite", "suite", "subSuite")
_STATUS = {"passed": "passed", "failed": "failed", "skipped": "skipped"}


def labels(
    nodeid: str, *, rig: str, ids: Sequence[str] = (), catalogue: Catalogue | None = None
) -> list[tuple[str, str]]:
    """(label, value) pairs of a test: suites (rig, requirement group, file), epic, feature, stories and tags."""
    known = catalogue or Catalogue()
    group = known.group(ids)
    found = [("parentSuite", rig), ("suite", group), ("subSuite", _stem(nodeid)), ("feature", group)]
    for identifier in ids:
        requirement = known.get(identifier)
        found += [
            ("epic", _WHOSE[requirement.whose]),
            ("story", f"{identifier} {requirement.title}"),
            ("tag", identifier),
        ]
    return list(dict.fromkeys(found))


def _stem(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")


def links(ids: Sequence[str], *, catalogue: Catalogue | None = None, pattern: str = "") -> list[tuple[str, str]]:
    """(address, name) of each requirement: by the user's link pattern, its own address, or its place in our page."""
    known = catalogue or Catalogue()
    return [
        (
            pattern.format(identifier) if pattern else known.get(identifier).url or f"../index.html#{identifier}",
            identifier,
        )
        for identifier in ids
    ]


def status_of(verdict: Verdict, status: str | None) -> str:
    """Allure's status for a verdict, where Allure itself came to `status`.

    A failure that Allure calls broken (an exception of the test's own) stays so.
    """
    if verdict.outcome == "failed" and status == "broken":
        return "broken"
    return _STATUS.get(verdict.outcome, "broken")


def message_of(verdict: Verdict, failure: str) -> str:
    """The text under which Allure sorts a result into a category."""
    text = failure or verdict.message
    if verdict.outcome == "broken" and verdict.reason:
        return f"{BENCH_FAULT} ({verdict.reason}): {text}"
    if verdict.outcome == "blocked" and not text.startswith(BLOCKED):
        return f"{BLOCKED} {text}"
    return text


def complete(verdict: Verdict, run: Path, *, failure: str = "", secrets: Collection[str] = ()) -> None:
    """All phases of the open test are over: label it, set its status and message. `run` is the folder of the run.

    Does nothing where allure-pytest is not active.
    """
    listener, test = _open_test()
    if test is None:
        return
    from allure_commons.model2 import Label, Link, StatusDetails

    catalogue = _catalogue(run)
    test.labels = [label for label in test.labels if label.name not in _SUITES]
    wanted = labels(verdict.nodeid, rig=verdict.rig, ids=verdict.requirements, catalogue=catalogue)
    test.labels += [Label(name, value) for name, value in wanted]
    patterns = dict(getattr(listener.config.option, "allure_link_pattern", ()))
    found = links(verdict.requirements, catalogue=catalogue, pattern=patterns.get("requirement", ""))
    test.links += [Link("requirement", address, name) for address, name in found]
    test.status = status_of(verdict, test.status)
    if verdict.outcome != "passed":
        test.statusDetails = test.statusDetails or StatusDetails()
        told = message_of(verdict, failure) or test.statusDetails.message or ""
        test.statusDetails.message = redaction.text(told, secrets)
        test.statusDetails.trace = redaction.text(test.statusDetails.trace or "", secrets)
    _tell_rigs_apart(test, verdict.rig)


def _tell_rigs_apart(test: Any, rig: str) -> None:
    """The same test on another rig has a history of its own, and is no retry."""
    from allure_commons.model2 import Parameter

    if rig and all(parameter.name != "rig" for parameter in test.parameters):
        test.parameters.append(Parameter("rig", repr(rig)))
        test.historyId = hashlib.sha256(f"{test.historyId or test.fullName}@{rig}".encode()).hexdigest()[:32]


def attach(directory: Path, secrets: Collection[str] = ()) -> None:
    """Attach what is there of `ATTACHMENTS` in the folder of a test to the open one, if one is open."""
    if not _is_open():
        return
    import allure_commons
    from allure_commons.types import AttachmentType

    hook = allure_commons.plugin_manager.hook
    for name, title, kind in ATTACHMENTS:
        path = directory / name
        if path.is_file() and path.stat().st_size:
            body, shown = _body(path, title, secrets)
            hook.attach_data(body=body, name=shown, attachment_type=AttachmentType[kind], extension=None)


def _body(path: Path, title: str, secrets: Collection[str]) -> tuple[bytes, str]:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size > LARGEST_BYTES:
            file.seek(size - LARGEST_BYTES)
            file.readline()
            title = f"{title} (the end; all of it: {path.parent.name}/{path.name})"
        body = file.read()
    for secret in filter(None, secrets):
        body = body.replace(secret.encode(), redaction.HIDDEN.encode())
    return body, title


def follow_steps(_timeline: object = None) -> Callable[[Mapping[str, object]], None]:
    """A listener for `timeline.listen` that makes every `step` record a step of the open test, nested as they nest.

    One follower per test. A step that ends with an `error` is failed.
    """
    import allure_commons

    open_steps: list[tuple[str, str]] = []
    hook = allure_commons.plugin_manager.hook

    def follow(record: Mapping[str, object]) -> None:
        if record["kind"] != "step" or not _is_open():
            return
        name = str(record.get("name", "step"))
        if record.get("phase") != "end":
            open_steps.append((name, str(uuid.uuid4())))
            hook.start_step(uuid=open_steps[-1][1], title=name, params={})
            return
        while any(other == name for other, _ in open_steps):
            ended, identifier = open_steps.pop()
            error = AssertionError(str(record["error"])) if record.get("error") and ended == name else None
            kind = type(error) if error is not None else None
            hook.stop_step(uuid=identifier, title=ended, exc_type=kind, exc_val=error, exc_tb=None)
            if ended == name:
                return

    return follow


def _is_open() -> bool:
    return _open_test()[1] is not None


def _open_test() -> tuple[Any, Any]:
    """(the listener of allure-pytest, the result it has open); (None, None) where there is none."""
    import allure_commons

    for plugin in allure_commons.plugin_manager.get_plugins():
        logger = getattr(plugin, "allure_logger", None)
        test = logger.get_test(None) if logger is not None else None
        if test is not None:
            return plugin, test
    return None, None


def _catalogue(run: Path) -> Catalogue:
    path = run / CATALOGUE
    try:
        return _loaded(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return Catalogue()


@functools.lru_cache(maxsize=2)
def _loaded(path: Path, _changed: int) -> Catalogue:
    return requirements.load(path)
