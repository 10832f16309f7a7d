"""The command `quecfota`, inside this process where that is enough, and as a process of its own where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from pytest_quecfota import cli

COMMAND = [sys.executable, "-m", "pytest_quecfota"]
LIMIT = 30.0  # real seconds
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
RIGS = {
    "virtual": "module: {model: BC25}\nsupply: {profile: keysight-e36300, nominal: {voltage: 3.3, current_limit: 1.0}}\n"
    "virtual: {speed: 60}\n",
    "bench2": "module: {model: BC25, port: {url: /dev/none}, product_key: '${NOWHERE_PK}', product_secret: t0p-secret}\n"
    "developer_center: {kind: manual}\n",
}


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with rig files in `rigs`."""
    (tmp_path / "rigs").mkdir()
    for name, text in RIGS.items():
        (tmp_path / "rigs" / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quecfota(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command inside this process."""

    def run(*arguments: str | Path) -> Said:
        capsys.readouterr()
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


@pytest.fixture
def process(folder: Path) -> Callable[..., Said]:
    """Run a command as a process, to its end."""

    def run(*arguments: str | Path, stdin: bytes = b"", stdout: int | IO[bytes] = subprocess.PIPE) -> Said:
        command = [*COMMAND, *map(str, arguments)]
        done = subprocess.run(
            command, input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=LIMIT, check=False, env=ENVIRONMENT
        )
        return Said(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    return run


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a command that goes on; it is ended after the test in any case."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str | Path) -> subprocess.Popen[bytes]:
        pipe, command = subprocess.PIPE, [*COMMAND, *map(str, arguments)]
        running.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT, bufsize=0))
        return running[-1]

    yield begin
    for one in running:
        if one.poll() is None:
            one.terminate()
        one.communicate(timeout=LIMIT)
