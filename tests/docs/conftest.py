"""What the examples run beside: one run of all tests on the virtual rig, one with a fault, one bench."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from doc_pages import ROOT, all_blocks
from doc_runs import FAILING, FAULT, LIMIT, PytestRun, RunningBench, clean_environment, start_pytest


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PytestRun]:
    """The runs of the examples: `all` of them, and the tutorial's test with a `fault`. Both at once, 2 cores have room."""
    good, bad = tmp_path_factory.mktemp("examples"), tmp_path_factory.mktemp("fault")
    for block in all_blocks("python"):
        if "def test_" in block.text:
            (good / f"test_{block.name}.py").write_text(block.text)
            if FAILING in block.text:
                (bad / "test_mine.py").write_text(block.text)
    (good / "no_pictures.py").write_text(
        "import sys\n\nsys.modules['matplotlib'] = None\n"
    )  # one run draws: that is enough
    plugins = ["-p", "no_pictures"]
    for block in all_blocks("python conftest"):
        (good / f"plugin_{block.name}.py").write_text(block.text)
        plugins += ["-p", f"plugin_{block.name}"]
    runs = {"all": start_pytest(good, *plugins), "fault": start_pytest(bad, "--defect", FAULT)}
    said = {name: run.finish() for name, run in runs.items()}
    for name, text in said.items():
        (runs[name].folder / "said.txt").write_text(text)
    return runs


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    """One bench for the examples that talk to it."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "pytest_quecfota", "bench", "--json", "--rig", str(ROOT / "rigs" / "virtual.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        assert process.stdout is not None
        try:
            assert select.select([process.stdout], [], [], LIMIT)[0], "the bench is not ready"
            line = process.stdout.readline()
            (folder / "ready.json").write_text(line)
            yield RunningBench(folder, json.loads(line))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            finally:
                process.kill()
