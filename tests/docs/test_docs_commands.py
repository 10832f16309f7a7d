"""The commands of the documentation: each `$ quecfota …` is run, and says what the page shows."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, Block, blocks, loosely

from pytest_quecfota import cli

CONSOLE = [block for page in PAGES for block in blocks(page) if block.kind == "console"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with the repository's rigs and requirements, for commands to be run in."""
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    (tmp_path / "hil_tests").mkdir()
    shutil.copy(ROOT / "hil_tests" / "requirements.yaml", tmp_path / "hil_tests")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUEC_PK", "demo-key")
    monkeypatch.setenv("QUEC_PS", "demo-secret")
    return tmp_path


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a block with the output shown for it."""
    for part in ("\n" + block.text).split("\n$ ")[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run(command: str) -> str:
    """What a command says, on both ends. In this process, except where the command becomes another one."""
    program, name, *rest = shlex.split(command)
    assert program == "quecfota", f"only quecfota is run here, not {program}"
    if name in cli.PASSED_ON:
        words = [sys.executable, "-m", "pytest_quecfota", name, *rest]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout + done.stderr
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        cli.main([name, *rest])
    return said.getvalue()


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in CONSOLE])
def test_a_command_says_what_the_page_shows(folder, block):
    for given in blocks(block.page):
        if given.file is not None:
            (folder / given.file).write_text(given.text)
    for command, shown in commands(block):
        said = run(command)
        assert "Traceback" not in said
        assert loosely(shown).fullmatch(said.strip()), f"$ {command}\n{said}"
