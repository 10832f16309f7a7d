"""The Python examples of the documentation: each test of theirs passes on the virtual rig, in one run."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from doc_pages import ROOT, all_blocks, loosely
from doc_runs import FAILING, clean_environment

TESTS = [
    pytest.param(name, id=f"{block.name}-{name}")
    for block in all_blocks("python")
    for name in re.findall(r"^def (test_\w+)", block.text, re.MULTILINE)
]
SCRIPTS = all_blocks("python bench")


@pytest.mark.parametrize("name", TESTS)
def test_an_example_passes_on_the_virtual_rig(examples, name):
    run = examples["all"]
    assert run.verdicts().get(name) == "passed", (run.folder / "said.txt").read_text()[-4000:]


def test_no_two_examples_have_one_name():
    names = [param.values[0] for param in TESTS]
    assert len(names) == len(set(names))


def test_the_hooks_of_the_examples_are_called(examples):
    """The example of an evidence hook writes a line for every test of the run."""
    run = examples["all"]
    written = [json.loads(line) for line in (run.folder / "results.jsonl").read_text().splitlines()]
    assert {entry["outcome"] for entry in written} == {"passed"}
    assert len(written) >= len(TESTS) - 5  # tests without a rig have no evidence


def test_the_failure_of_the_tutorial_is_what_a_fault_gives(examples):
    run = examples["fault"]
    assert run.verdicts() == {FAILING: "failure"}
    failure = (run.folder / "evidence" / "latest" / "tests" / FAILING / "failure.txt").read_text()
    (shown,) = all_blocks("text failure")
    assert loosely(shown.text).fullmatch(f"ModuleError: {failure}".strip()), failure


def test_the_closing_lines_of_the_tutorial_are_those_of_a_run(examples):
    said = (examples["all"].folder / "said.txt").read_text()
    for block in all_blocks("text closing"):
        names = [line.split()[0] for line in block.text.splitlines()]
        assert re.search(r"\n".join(rf"{name} .*" for name in names), said), said


def test_examples_beside_a_bench_run(bench):
    for script in SCRIPTS:
        (bench.folder / f"{script.name}.py").write_text(script.text)
    driver = "import runpy, sys\nfor name in sys.argv[1:]:\n    print(name, flush=True)\n    runpy.run_path(name)\n"
    command = [sys.executable, "-c", driver, *(f"{script.name}.py" for script in SCRIPTS)]
    done = subprocess.run(
        command, cwd=bench.folder, capture_output=True, text=True, timeout=30, check=False, env=clean_environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Keysight" in done.stdout


def test_snippets_without_tests_are_python():
    for block in all_blocks("python"):
        compile(block.text, f"{block.page.relative_to(ROOT)}:{block.line}", "exec")
