"""Firmware images and patches for plans: made by the command `quecfota image` and `quecfota delta`, as a process.

How an image looks inside is known to the virtual side alone; here it is bytes that a plan's package carries.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_quecfota.errors import BenchError, Reason

LIMIT = 30.0  # real seconds for making one image
VERSION = re.compile(r"^(?P<head>.*?_?V)(?P<major>\d+)_(?P<minor>\d+)$")


class Firmware:
    """Images of one model, made once and kept for the run.

    Args:
        model: the module model they are for.
        folder: real firmware files to take the content from; its file names, without ending, are the versions.
    """

    def __init__(self, model: str, folder: Path | None = None) -> None:
        self.model = model
        self.folder = folder
        self._made: dict[tuple[str, ...], bytes] = {}

    def other_version(self, running: str) -> str:
        """A version to upgrade to that is not the running one.

        With a folder of real firmware it is the first file whose name is not the running version. Else names that end in
        `V<major>_<minor>` alternate between V1_0 and V2_0.

        Raises:
            BenchError: there is no such folder.
        """
        others = [path.stem for path in self._files() if path.stem != running]
        if others:
            return others[0]
        first = f"{self.model}_FOTA_V1_0"
        if self.folder is not None and running != first:
            return first
        found = VERSION.match(running)
        if found is None:
            return f"{running}_V2_0"
        return f"{found['head']}{'1' if found['major'] == '2' else '2'}_0"

    def image(self, version: str, *, model: str | None = None) -> bytes:
        """The image of that version; `model` makes one for another module."""
        key = ("image", model or self.model, version)
        if key not in self._made:
            content = next((path for path in self._files() if path.stem == version), None)
            extra = [] if content is None else ["--from", str(content)]
            self._made[key] = self._run("image", "--model", model or self.model, "--version", version, *extra)
        return self._made[key]

    def delta(self, old: str, new: str) -> bytes:
        """The patch that makes the image of `new` out of that of `old`."""
        key = ("delta", self.model, old, new)
        if key not in self._made:
            with tempfile.TemporaryDirectory(prefix="quecfota-") as scratch:
                paths = [Path(scratch, name) for name in ("old", "new")]
                for path, version in zip(paths, (old, new), strict=True):
                    path.write_bytes(self.image(version))
                self._made[key] = self._run("delta", *map(str, paths))
        return self._made[key]

    def _files(self) -> list[Path]:
        if self.folder is None:
            return []
        try:
            return sorted(path for path in self.folder.iterdir() if path.is_file() and not path.name.startswith("."))
        except OSError as error:
            raise BenchError(f"no folder of firmware: {error}", reason=Reason.CONFIGURATION) from None

    @staticmethod
    def _run(*arguments: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="quecfota-") as scratch:
            out = Path(scratch, "out")
            command = [sys.executable, "-m", "pytest_quecfota.virtual", *arguments, "-o", str(out)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
            except subprocess.TimeoutExpired:
                raise BenchError(
                    f"{' '.join(command)} was not done within {LIMIT:g} s", reason=Reason.CONFIGURATION
                ) from None
            if done.returncode != 0:
                raise BenchError(f"{' '.join(command)} failed: {done.stderr.strip()}", reason=Reason.CONFIGURATION)
            return out.read_bytes()
