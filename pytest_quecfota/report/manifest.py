"""`MANIFEST.sha256`: what the evidence of a run consisted of when it ended, in the format of sha256sum.

`sha256sum -c MANIFEST.sha256` inside the run's folder checks it anywhere; `verify` says more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pytest_quecfota.report import whole

MANIFEST = "MANIFEST.sha256"
#: Made from the evidence later, and made again: no part of it.
DERIVED = frozenset({MANIFEST, "index.html", "signoff.html", "signoff.json"})
DERIVED_FOLDERS = frozenset({"allure-report"})

_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


def files(run: Path) -> Iterator[Path]:
    """The files that are evidence, in a stable order; symbolic links and derived reports are not."""
    for path in sorted(run.rglob("*")):
        relative = path.relative_to(run)
        derived = str(relative) in DERIVED or relative.parts[0] in DERIVED_FOLDERS
        if not derived and path.is_file() and not path.is_symlink():
            yield path


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def write(run: Path) -> Path:
    """Write the manifest of a run's folder, whole or not at all."""
    (run / f".{MANIFEST}.part").unlink(missing_ok=True)  # of a run that was killed while it wrote it
    lines = [_line(digest(path), path.relative_to(run).as_posix()) for path in files(run)]
    target = run / MANIFEST
    whole.write(target, "".join(lines), errors="surrogateescape")
    return target


def _line(digest_hex: str, name: str) -> str:
    """One line as coreutils write it: a name with a backslash or a line end is escaped and the line marked."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{digest_hex}  {escaped}\n"


def read(run: Path) -> tuple[dict[str, str], list[str]]:
    """(digest per file name, problems with the manifest itself)."""
    entries: dict[str, str] = {}
    problems = []
    content = (run / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape")
    for number, line in enumerate(content.split("\n"), start=1):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(f"{MANIFEST}:{number}: not a line of sha256sum")
            continue
        name = _unescape(match[3]) if match[1] else match[3]
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            problems.append(f"{MANIFEST}:{number}: {name!r} lies outside the evidence")
            continue
        entries[name] = match[2]
    return entries, problems


def _unescape(name: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), name)


def verify(evidence: Path) -> list[str]:
    """What speaks against the evidence of a run being whole and untouched; an empty list when nothing does."""
    if not evidence.is_dir():
        return [f"{evidence}: no such folder"]
    if not (evidence / MANIFEST).is_file():
        return [f"{evidence}: no {MANIFEST}: the run did not come to its end, or it was removed"]
    entries, problems = read(evidence)
    present = {path.relative_to(evidence).as_posix(): path for path in files(evidence)}
    if not entries:
        problems.append(f"{MANIFEST}: names no file")
    for name, expected in entries.items():
        if name not in present:
            problems.append(f"{name}: missing")
        elif digest(present[name]) != expected:
            problems.append(f"{name}: changed since the run")
    problems += [f"{name}: not in the manifest, added after the run" for name in present if name not in entries]
    return problems
