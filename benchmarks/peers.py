"""The contenders: what each is, what its environment needs, and the environments themselves.

Environments are made once with pip, outside the repository: `$XDG_CACHE_HOME/quecfota-benchmarks/<name>`, default `~/.cache`.
What cannot be installed is reported, not skipped in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "contenders"


@dataclass(frozen=True)
class Contender:
    """One way to read a port. `needs`: what pip installs for it; nothing means the environment of the benchmark itself."""

    name: str
    script: str
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    plugin: str | None = None
    """The name of its pytest plugin, as `-p no:NAME` takes it."""


OURS = Contender("ours", "with_quecfota.py", plugin="quecfota")
BARE = Contender("bare", "with_bare.py")
BARE_THREAD = Contender("bare, in a thread", "with_bare_thread.py")

_LABGRID = ("labgrid==26.0.1", "pytest==9.2.0")
_EMBEDDED = ("pytest-embedded==2.9.3", "pytest-embedded-serial==2.9.3", "pyserial==3.5", "pytest==9.2.0")
_PEXPECT = ("pexpect==4.9.0", "pyserial==3.5")
_PYKISO = ("pykiso[serial]==1.7.0", "pyserial==3.5", "pytest==9.2.0")

PEERS = (
    Contender("labgrid", "with_labgrid.py", _LABGRID, plugin="labgrid"),
    Contender("pytest-embedded", "with_pytest_embedded.py", _EMBEDDED, plugin="pytest_embedded"),
    Contender("pexpect", "with_pexpect.py", _PEXPECT),
    Contender("pykiso", "with_pykiso.py", _PYKISO, plugin="pytest_kiso"),
)
VARIANTS = (
    Contender("labgrid, URC by URC", "with_labgrid.py", _LABGRID, ("--each",)),
    Contender("pexpect, URC by URC", "with_pexpect.py", _PEXPECT, ("--each",)),
    Contender("pykiso, raw chunks", "with_pykiso.py", _PYKISO, ("--each",)),
)
"""The peers used in another way: faster, but not what the first row's test does (one wait), or without a record."""


class NotInstalled(Exception):
    """A peer's environment could not be made."""


def base(contender: Contender) -> str:
    """The name of the environment: variants share it."""
    return contender.name.partition(",")[0]


def cache() -> Path:
    """The folder of all environments."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "quecfota-benchmarks"


def interpreter(contender: Contender) -> Path:
    """The Python that runs a contender; makes its environment where there is none, or another one than needed.

    Raises `NotInstalled` with the last thing pip said.
    """
    if not contender.needs:
        return Path(sys.executable)
    directory = cache() / base(contender)
    python, ready = directory / "bin" / "python", directory / ".ready"
    wanted = f"{sys.version}\n" + "\n".join(contender.needs)
    if ready.exists() and ready.read_text() == wanted:
        return python
    shutil.rmtree(directory, ignore_errors=True)
    _run(base(contender), [sys.executable, "-m", "venv", str(directory)])
    _run(base(contender), [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *contender.needs])
    ready.write_text(wanted)
    return python


def _run(name: str, command: list[str]) -> None:
    print(f"making the environment of {name} ...", file=sys.stderr)
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise NotInstalled(said[-1] if said else str(error)) from error
