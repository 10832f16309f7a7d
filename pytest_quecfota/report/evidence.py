"""The folder a run leaves: who keeps it, what is in it, and how to read it back.

A `Run` is made by the plugin when the first test that needs a rig starts. It owns `<root>/<time>-<rig>/`, points
`<root>/latest` at it, hands out one folder per test, and keeps `run.json` true after every test, so that whatever
kills the run loses nothing that was decided. What a full disk refuses is kept in memory and written as soon as there is
room again, at the latest at the end, for which some is held back. Reports read it back with `open_run`.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_quecfota.report import manifest, names, redaction, whole
from pytest_quecfota.report.verdicts import RigFacts, Verdict, counts

SCHEMA = 1
RUN = "run.json"
TEST = "test.json"
FAILURE = "failure.txt"
CATALOGUE = "requirements.yaml"

_GIT_LIMIT_SECONDS = 2.0

verify = manifest.verify


class Run:
    """The evidence of one run, being written.

    `root` is the folder of all runs, `rigs` their names or facts, `started` the wall clock (default: now). `secrets`
    are values that may not be written; `command` the command line; `repository` where to ask git for the revision
    (None: not). Raises `OSError` where the folder cannot be made.
    """

    def __init__(
        self,
        root: Path,
        rigs: Sequence[str | RigFacts],
        started: datetime | None = None,
        *,
        command: Sequence[str] = (),
        secrets: Collection[str] = (),
        repository: Path | None = None,
        requirements: Path | None = None,
    ) -> None:
        facts = [RigFacts(rig) if isinstance(rig, str) else rig for rig in rigs]
        started = (started or datetime.now().astimezone()).astimezone()
        self._secrets = frozenset(filter(None, secrets))
        self._lock = threading.Lock()
        self._open: dict[str, Path] = {}
        self._verdicts: list[Verdict] = []
        self._latest: dict[tuple[str, str], Verdict] = {}
        self._counts = counts(())
        self._lines: list[str] = []
        self._owed: list[tuple[Path, Verdict, str]] = []
        self._stale = False
        self._spelt: tuple[dict[str, Any], str] = {}, ""
        self._rigs = tuple(facts)
        self.directory = _new_folder(root, started, [rig.name for rig in facts])
        self.root = root
        self._head: dict[str, Any] = {
            "schema": SCHEMA,
            "tool": f"pytest-quecfota {tool_version()}",
            "python": platform.python_version(),
            "host": f"{platform.system()} {platform.release()} {platform.machine()}",
            "rigs": [rig.as_json() for rig in facts],
            "command": redaction.command_line(command, self._secrets),
            "revision": git_revision(repository) if repository else None,
            "started": started.isoformat(timespec="seconds"),
            "ended": None,
            "state": "running",
            "exit_status": None,
            "module": {},
            "modules": {},
        }
        if requirements is None and repository is not None:
            requirements = repository / "hil_tests" / CATALOGUE
        if requirements is not None and requirements.is_file():
            shutil.copyfile(requirements, self.directory / CATALOGUE)
        self._write()
        self._reserve = whole.Reserve(self.directory)
        _point(root / "latest", self.directory)

    def test_directory(self, nodeid: str, *, rig: str = "") -> Path:
        """The folder of a running test, made at the first call; the same one until `record` ends the test."""
        with self._lock:
            found = self._open.get(nodeid)
            if found is None:
                found = self._open[nodeid] = new_test_folder(self.directory, nodeid, rig=rig)
            return found

    def module(self, identity: Mapping[str, object], *, rig: str = "") -> None:
        """Keep what the module of a rig said about itself (model, revision, IMEI, versions …).

        `module` is that of the first rig, `modules` has all of them by rig.
        """
        told = {key: self.clean(str(value)) for key, value in identity.items()}
        with self._lock:
            modules = self._head["modules"] = {**self._head["modules"], rig: told}
            self._head["module"] = next(iter(modules.values()))
            self._settle()

    def use_reserve(self) -> None:
        """No test runs any more: give back the room that was held for the files which end a run."""
        self._reserve.release()

    def lost(self, lines: Sequence[str]) -> None:
        """Keep what of the evidence could not be written, for `run.json`."""
        with self._lock:
            self._head["lost"] = [self.clean(line) for line in lines]

    def record(self, verdict: Verdict, text: str = "") -> Verdict:
        """A test has ended: keep its verdict, and the whole text of its failure beside its timeline.

        Returns the verdict as kept, with its folder and without secrets. Where the disk takes no more it is written later;
        `settled` tells.
        """
        with self._lock:
            folder = self._open.pop(verdict.nodeid, None) or self._given(verdict)
            if folder is None and text:
                with contextlib.suppress(OSError):  # the message is in `run.json`; `settled` tells of the disk
                    folder = new_test_folder(self.directory, verdict.nodeid, rig=verdict.rig)
            before = self._latest.get((verdict.nodeid, verdict.rig))
            kept = replace(
                verdict,
                directory=folder.relative_to(self.directory).as_posix() if folder else verdict.directory,
                message=self.clean(verdict.message.strip().split("\n", 1)[0]),
                attempt=before.attempt + 1 if before is not None else 1,
            )
            if folder is not None:
                self._owed.append((folder, kept, text))
            self._verdicts.append(kept)
            self._latest[kept.nodeid, kept.rig] = kept
            self._counts[kept.outcome] += 1
            if before is not None:
                self._counts[before.outcome] -= 1
            self._lines.append(json.dumps(kept.as_json(), ensure_ascii=False))
            with contextlib.suppress(OSError):  # it stays owed
                self._settle()
        return kept

    def settled(self) -> None:
        """See that all that was recorded is on disk, trying again where it was not. Raises `OSError` where it is not."""
        with self._lock:
            if self._stale:
                self._settle()

    @property
    def head(self) -> Mapping[str, Any]:
        """What `run.json` says of the whole run."""
        return dict(self._head)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was recorded so far."""
        return tuple(self._verdicts)

    def as_record(self) -> RunRecord:
        """The run as `open_run` would read it back, also where the disk took no more."""
        return RunRecord(self.directory.resolve(), {**self._head, "counts": self._counts}, self.verdicts, self._rigs)

    def finish(self, exit_status: int | None = None, *, state: str = "finished") -> Path:
        """The run has ended (`state` may also be `aborted`): complete `run.json`, write and return the manifest.

        Raises `OSError` where the disk takes neither, in spite of the room that was held back for them.
        """
        with self._lock:
            ended = datetime.now().astimezone().isoformat(timespec="seconds")
            self._head.update(ended=ended, state=state, exit_status=exit_status)
            self._reserve.release()
            self._settle()
            return manifest.write(self.directory)

    def _given(self, verdict: Verdict) -> Path | None:
        """The folder that another process (a worker of xdist) made for a test."""
        folder = self.directory / verdict.directory
        return folder if verdict.directory and folder.is_dir() else None

    def clean(self, text: str) -> str:
        """`text` without the secrets of this run."""
        return redaction.text(text, self._secrets)

    def _settle(self) -> None:
        """Write what is owed, then `run.json`; `_stale` until that has succeeded."""
        self._stale = True
        while self._owed:
            folder, verdict, text = self._owed[0]
            _write_json(folder / TEST, verdict.as_json())
            if text:
                whole.write(folder / FAILURE, self.clean(text))
            del self._owed[0]
        self._write()
        self._stale = False

    def _write(self) -> None:
        """`run.json` anew: one line per test, so that its size costs nothing and two runs can be compared with diff."""
        if self._head != self._spelt[0]:  # spelling with indents takes longer than all the rest of it
            self._spelt = dict(self._head), json.dumps(self._head, indent=1, ensure_ascii=False).removesuffix("\n}")
        opening = f'{self._spelt[1]},\n "counts": {json.dumps(self._counts)}'
        tests = ",\n  ".join(self._lines)
        body = f'{opening},\n "tests": [\n  {tests}\n ]\n}}\n' if tests else f'{opening},\n "tests": []\n}}\n'
        whole.write(self.directory / RUN, body)


def new_test_folder(run: Path, nodeid: str, *, rig: str = "") -> Path:
    """Make a folder under `tests/` that no other test has, also if other processes make theirs at the same time.

    It says whose it is in `test.json`, so that a test whose end is never written down is known. Raises `OSError` where
    there is no room for it.
    """
    tests = run / "tests"
    tests.mkdir(exist_ok=True)
    *nice, unique = names.candidates(nodeid)
    for name in (*nice, unique, *(f"{unique}-{number}" for number in range(2, 1000))):
        try:
            (tests / name).mkdir()
        except FileExistsError:
            continue
        try:
            _write_json(tests / name / TEST, {"nodeid": nodeid, "rig": rig})
        except OSError:
            with contextlib.suppress(OSError):
                (tests / name).rmdir()
            raise
        return tests / name
    raise FileExistsError(f"{tests}: 1000 folders for {nodeid}")


def _new_folder(root: Path, started: datetime, rigs: Sequence[str]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    base = f"{started:%Y%m%d-%H%M%S}-{names.safe('+'.join(rigs) or 'no-rig', 60)}"
    for number in range(1, 10_000):
        folder = root / (base if number == 1 else f"{base}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{root / base}: taken")


def _point(link: Path, target: Path) -> None:
    """Let `link` name `target`, with no moment at which it names nothing; a real folder of that name is left alone."""
    if link.exists() and not link.is_symlink():
        return
    partial = link.with_name(f".{link.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target.name, target_is_directory=True)
    partial.replace(link)


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    whole.write(path, json.dumps(content, ensure_ascii=False) + "\n")


def tool_version() -> str:
    """The installed version of this tool, `unknown` when it runs from a bare folder."""
    try:
        return version("pytest-quecfota")
    except PackageNotFoundError:
        return "unknown"


def git_revision(folder: Path) -> str | None:
    """The commit a folder is at, with `-dirty` where it was changed; None where git cannot tell in two seconds."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_LIMIT_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


@dataclass(frozen=True)
class RunRecord:
    """A run read back from its folder."""

    directory: Path
    head: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    rigs: tuple[RigFacts, ...]

    @property
    def ended(self) -> bool:
        """False for a run that was killed, or is still going on."""
        return self.head.get("ended") is not None


def open_run(evidence: Path) -> RunRecord:
    """Read a run back from its folder, or the latest one of a folder of runs.

    A test whose folder is there and whose end nobody wrote down is `unfinished`. Raises `FileNotFoundError` where there
    is no run, `ValueError` where `run.json` cannot be understood.
    """
    folder = next((path for path in (evidence, evidence / "latest") if (path / RUN).is_file()), None)
    if folder is None:
        raise FileNotFoundError(f"{evidence}: no {RUN} in it, nor in a folder 'latest': not the evidence of a run")
    folder = folder.resolve()
    try:
        head = json.loads((folder / RUN).read_text(encoding="utf-8"))
        verdicts = [Verdict.from_json(record) for record in head.pop("tests")]
        rigs = tuple(RigFacts.from_json(record) for record in head.get("rigs", ()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / RUN}: not a record of a run ({error})") from error
    return RunRecord(folder, head, (*verdicts, *_unfinished(folder, verdicts)), rigs)


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object from a file; an empty one where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _unfinished(folder: Path, verdicts: Sequence[Verdict]) -> list[Verdict]:
    known = {verdict.directory for verdict in verdicts}
    found = []
    for path in sorted((folder / "tests").glob(f"*/{TEST}")):
        directory = path.parent.relative_to(folder).as_posix()
        if directory in known:
            continue
        record = read_json(path)
        nodeid, rig = str(record.get("nodeid", path.parent.name)), str(record.get("rig", ""))
        message = "began, and its end was never written down"
        found.append(Verdict(nodeid, "unfinished", directory=directory, rig=rig, message=message))
    return found
