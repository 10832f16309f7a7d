"""Evidence that could not be written: noted where it happens, told as the bench's fault, never the end of the run.

A full disk meets every writer in turn: the timeline, pictures and tables, `run.json`, Allure's results, the files of other plugins.
Each of them works inside `Losses.noted`, or tells `Losses.add`; `session` turns what was noted into a bench fault of the test that
was running, and of the run.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator

from pytest_quecfota.errors import BenchError, Reason

#: What a disk, or a quota of it, answers that takes no more.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException | None) -> bool:
    """Whether a disk took no more."""
    return isinstance(error, OSError) and error.errno in FULL


def unwritable(what: str, error: object) -> BenchError:
    """The bench fault that `what` could not be written."""
    return BenchError(f"{what} cannot be written: {error}", reason=Reason.EVIDENCE_UNWRITABLE)


class Losses:
    """What could not be written in this run, in words; each of them once."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}
        self._fresh: BenchError | None = None

    def __bool__(self) -> bool:
        return bool(self._told)

    @property
    def told(self) -> list[str]:
        """One line for each."""
        return list(self._told)

    def add(self, what: str, error: object) -> None:
        """`what` could not be written, for this reason."""
        fault = unwritable(what, error)
        self._told[str(fault)] = None
        self._fresh = self._fresh or fault

    def adopt(self, lines: Iterable[str]) -> None:
        """Take over what another process (a worker of xdist) could not write."""
        self._told.update(dict.fromkeys(lines))

    def take(self) -> BenchError | None:
        """The first thing lost since the last call, None where nothing was."""
        fresh, self._fresh = self._fresh, None
        return fresh

    @contextlib.contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Go on after a block that failed to write `what`."""
        try:
            yield
        except OSError as error:
            self.add(what, error)
