"""The service as a process of the tests."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

START_SECONDS = 20.0


class CloudProcess:
    """A running service; `stop` or `kill` ends it."""

    def __init__(
        self, data: Path | None, *more: str, parent: int | None = None, env: dict[str, str] | None = None
    ) -> None:
        command = [sys.executable, "-m", "pytest_quecfota.cloud", "--json"]
        command += [] if data is None else ["--data", str(data)]
        command += ["--parent", str(parent or os.getpid()), *more]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe that nobody reads would stop a service that complains)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._errors, env={**os.environ, **(env or {})}
        )
        try:
            self.ready = json.loads(self._line())
        except BaseException:
            self.kill()
            raise
        self.url: str = self.ready["url"]
        self.token: str = self.ready["token"]

    def _line(self) -> str:
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], START_SECONDS)
        line = stdout.readline().decode() if ready else ""
        if not line:
            self.process.kill()
            self.process.communicate(timeout=10)
            raise RuntimeError(f"the service did not start: {self._said()}")
        return line

    def stop(self) -> tuple[int, str]:
        """Asks the process to end; returns its exit code and what it wrote to stderr."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> tuple[int, str]:
        self.process.communicate(timeout=10)
        errors = self._said()
        self._errors.close()
        return self.process.returncode, errors

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()

    def kill(self) -> None:
        """Ends the process at once, as `kill -9` does."""
        self.process.kill()
        self.process.communicate(timeout=10)
        self._errors.close()
