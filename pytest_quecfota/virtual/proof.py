"""Proof that the storage survives a loss of power at any flash operation, and that a planted bug does not pass.

A *life* is what a module does with its flash from power-on: boot, download what is missing of a package, have it applied,
boot again, confirm. `prove` runs one life to count its flash operations, then one life per operation that is cut there
(before it, and in the middle of it, torn), and then lives again until the update is complete; of these second lives a sample
is cut too, and so on. Each boot must find the old or the new image, and after everything a further update must work.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import delta
from .boot import Bricked, Kind, Updater
from .flash import Flash, PowerCut, immediately
from .image import build
from .layout import divide

TEARS: tuple[float | None, ...] = (None, 0.0, 0.35, 0.8, 1.0)
"""How an operation is cut: before it (None), or torn with this fraction of it done."""


class Broken(Exception):
    """A life ended as it must not; the text says how."""


@dataclass(frozen=True)
class Cut:
    """A loss of power at an operation of a life, and how much of it was done."""

    operation: int
    tear: float | None


@dataclass(frozen=True)
class Finding:
    """Cuts, one per life, after which something was wrong."""

    cuts: tuple[Cut, ...]
    problem: str


@dataclass(frozen=True)
class Proof:
    """How many cuts were tried, and what was found."""

    cuts: int
    operations: int
    findings: tuple[Finding, ...]


class Life(Protocol):
    """What a module does with its flash, again and again."""

    def prepare(self) -> Flash:
        """A flash as the first life finds it."""
        ...

    def live(self, flash: Flash) -> None:
        """From power-on to the end, or to the cut planned in the flash. Raises PowerCut, or Broken."""
        ...

    def go_on(self, flash: Flash) -> None:
        """After the last life: what must still work. Raises Broken."""
        ...


def prove(
    life: Life,
    *,
    tears: Sequence[float | None] = TEARS,
    second_cuts: int = 0,
    depth: int = 2,
    seed: int = 0,
    first_finding_only: bool = False,
) -> Proof:
    """Cut a life at every operation in every way, `second_cuts` of the lives after it too (at random), up to `depth` cuts."""
    start = life.prepare().dump()
    try:
        total = _operations(life, start)
    except Broken as broken:
        return Proof(0, 0, (Finding((), str(broken)),))
    chance = random.Random(seed)
    findings: list[Finding] = []
    tried = 0
    for cuts in _plans(total, tears, second_cuts, depth, chance):
        tried += len(cuts)
        problem = _try(life, start, cuts, chance.getrandbits(30))
        if problem:
            findings.append(Finding(cuts, problem))
            if first_finding_only:
                break
    return Proof(tried, total, tuple(findings))


def _plans(
    total: int, tears: Sequence[float | None], samples: int, depth: int, chance: random.Random
) -> Iterator[tuple[Cut, ...]]:
    for operation in range(total):
        for tear in tears:
            yield (Cut(operation, tear),)
    for _ in range(samples):
        cuts = chance.randrange(2, depth + 1) if depth > 2 else 2
        yield tuple(Cut(chance.randrange(total), chance.choice(tears)) for _ in range(cuts))


def _operations(life: Life, start: bytes) -> int:
    flash = life.prepare()
    flash.load(start)
    before = flash.operations
    life.live(flash)
    return flash.operations - before


def _try(life: Life, start: bytes, cuts: Sequence[Cut], seed: int) -> str:
    """Live with these cuts, then to the end; what was wrong, or nothing."""
    flash = life.prepare()
    flash.load(start)
    flash.reseed(seed)
    try:
        for cut in cuts:
            flash.plan_cut(flash.operations + cut.operation, cut.tear)
            try:
                life.live(flash)
            except PowerCut:
                continue
            flash.plan_cut(None)
        life.live(flash)
        life.go_on(flash)
    except Broken as problem:
        return str(problem)
    return ""


class UpdateLife:
    """The life of a module that is updated from one version to another, by a full or a delta package.

    `package` replaces the package that is downloaded (a damaged one, say); then the old image must stay.
    """

    def __init__(
        self,
        *,
        kind: Kind = "full",
        defects: Collection[str] = (),
        image_size: int = 1800,
        package: bytes | None = None,
        chunk: int = 300,
    ) -> None:
        self.old = build("BC25", "V1", size=image_size)
        self.new = build("BC25", "V2", size=image_size + 90)
        self.further = build("BC25", "V3", size=image_size - 100)
        self._kind: Kind = kind
        self._defects = frozenset(defects)
        self._sound = package is None
        self._package = package or (self.new if kind == "full" else delta.make(self.old, self.new))
        self._chunk = chunk

    def prepare(self) -> Flash:
        """A small flash with the old image in it."""
        flash = Flash(None, 20 * 512, sector=512, page=64)
        immediately(self._updater(flash, ()).install_factory(self.old))
        return flash

    def live(self, flash: Flash) -> None:
        """Boot; where it is the old image, get the new one; see `Life`."""
        updater = self._updater(flash, self._defects)
        if self._boot(updater) == "V1" and not self._refused(updater):
            immediately(self._download(updater, self._package))
            immediately(updater.commit_staged(self._kind))
            self._boot(updater)
        immediately(updater.confirm())

    def go_on(self, flash: Flash) -> None:
        """The update must be complete (or refused), and a further one must work."""
        updater = self._updater(flash, ())
        expected = "V2" if self._sound else "V1"
        found = self._boot(updater)
        if found != expected:
            raise Broken(f"{found} runs at the end, not {expected}")
        immediately(updater.acknowledge())
        immediately(self._download(updater, self.further))
        immediately(updater.commit_staged("full"))
        if self._boot(updater) != "V3":
            raise Broken("a further update does not work")

    def _updater(self, flash: Flash, defects: Collection[str]) -> Updater:
        layout = divide(flash, state_sectors=4, nvm_sectors=0, slot_size=4 * 512)
        return Updater(flash, layout, model="BC25", defects=defects, journal_every=1)

    def _boot(self, updater: Updater) -> str:
        try:
            booted = immediately(updater.boot())
        except Bricked as problem:
            raise Broken(f"bricked: {problem}") from problem
        if booted.image.raw not in (self.old, self.new, self.further):
            raise Broken(f"an image runs that was never released ({booted.image.version})")
        return booted.image.version

    def _refused(self, updater: Updater) -> bool:
        """Whether the boot loader has refused this package already; it is not fetched again."""
        return not self._sound and updater.last_result is not None and updater.last_result.kind == "refused"

    async def _download(self, updater: Updater, package: bytes) -> None:
        """Fetch what is missing. Raises Broken where the bytes are not those that were sent."""
        offset = await updater.stage_begin(len(package), hashlib.sha256(package).hexdigest()[:16])
        while offset < len(package):
            piece = package[offset : offset + self._chunk]
            await updater.stage_write(offset, piece)
            offset += len(piece)
        if updater.staged() != package:
            raise Broken("the download was resumed where it must not be: its bytes are not those sent")


def damaged(package: bytes, position: int = -1) -> bytes:
    """A package with one bit turned over."""
    broken = bytearray(package)
    broken[position] ^= 0x10
    return bytes(broken)
