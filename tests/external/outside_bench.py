"""A virtual bench for programs from outside: a process they know only by its ready line."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

RIG = """\
name: outside
module: {{model: BC25}}
supply: {{profile: {profile}, channel: 1, nominal: {{voltage: 3.3, current_limit: 1.0}}, limits: {{min: 2.1, max: 3.6}}}}
allow: [cuts]
virtual: {{speed: 60}}
"""
LIMIT = 30.0  # real seconds


@contextlib.contextmanager
def running_bench(folder: Path, *, profile: str = "keysight-e36300") -> Iterator[dict[str, str]]:
    """The addresses of a running bench with a BC25 and this supply; its rig file is written into `folder`."""
    rig = folder / "outside.yaml"
    rig.write_text(RIG.format(profile=profile))
    command = [sys.executable, "-m", "pytest_quecfota", "bench", "--rig", str(rig), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bench:
        assert bench.stdout is not None
        try:
            assert select.select([bench.stdout], [], [], LIMIT)[0], "no ready line"
            yield json.loads(bench.stdout.readline())
        finally:
            bench.terminate()
            bench.wait(LIMIT)
