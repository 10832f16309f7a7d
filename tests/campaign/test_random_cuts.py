"""Upgrades whose power is cut at a random moment: every outcome is what the bench knows to be true, and a bug is found.

`QUECFOTA_CUTS=200 pytest tests/campaign` is the full form; without it 20 cuts are made. `QUECFOTA_CUTS_SEED` chooses other
moments. They are spread evenly over the whole upgrade, from the first byte of the download until the module is connected
again, and random within their share of it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from pytest_quecfota import urc

CUTS = int(os.environ.get("QUECFOTA_CUTS", "20"))
SEED = int(os.environ.get("QUECFOTA_CUTS_SEED", "1"))
SOONEST = 0.02  # module seconds: a shorter delay is refused, no level of the supply's list is so short
RECONNECTING = 2.0  # module seconds from the event of success until the module is nearly connected again


def moments(durations: dict[str, float], count: int = CUTS, seed: int = SEED) -> Iterator[tuple[str, float]]:
    """The kind of package and the module seconds of each cut, after what begins the time that is given for its kind."""
    chance = random.Random(seed)
    kinds = list(durations)
    shares = list(range(count))
    chance.shuffle(shares)
    for number, share in enumerate(shares):
        kind = kinds[number % len(kinds)]
        yield kind, max(SOONEST, durations[kind] * (share + chance.random()) / count)


def clean_durations(proving, kinds=("full", "delta")) -> dict[str, float]:
    """How long an undisturbed upgrade takes from `DownloadStarted` on, in module seconds."""
    found = {}
    for kind in kinds:
        run, _ = proving.upgrade(kind)
        assert run.outcome == "upgraded", run.reason
        found[kind] = run.stages["updated"] - run.stages["download started"] + RECONNECTING
    return found


def disagreement(run, truth, digest) -> str | None:
    """What an outcome says that the bench knows to be otherwise."""
    dead = truth["state"] != "running"
    if dead or run.outcome == "bricked":
        return None if dead and run.outcome == "bricked" else f"{run.outcome}, yet the module is {truth['state']}"
    if truth["image_digest"] != digest(truth["version"]):
        return f"{run.outcome}, yet what runs is not the image of {truth['version']}"
    if run.outcome == "upgraded" and truth["version"] != run.target_version:
        return f"upgraded, yet {truth['version']} runs"
    if run.outcome == "kept" and truth["version"] != run.source_version:
        return f"kept, yet {truth['version']} runs"
    if run.outcome == "false-success" and truth["version"] == run.target_version:
        return "false-success, yet the target version runs"
    return None


@pytest.mark.timeout(60 + 3 * CUTS)
def test_whatever_moment_is_cut_the_outcome_is_the_truth_and_no_module_is_lost(proving):
    """A sound module survives every cut, and no outcome claims what is not so."""
    bench = proving()
    outcomes: dict[str, int] = {}
    cut = 0
    for kind, after in moments(clean_durations(bench)):
        boots = bench.truth()["boots"]
        run, fired = bench.upgrade(kind, at=urc.DownloadStarted, after=after, waveform="cut-500ms")
        truth = bench.truth()
        point = f"{kind} package, cut {after:.2f} s after 7,10701 (seed {SEED}): {run.reason}"
        assert fired == 1, point
        assert disagreement(run, truth, bench.digest) is None, point
        assert run.outcome in {"upgraded", "recovered"}, f"{run.outcome}: {point}"
        cut += truth["boots"] - boots >= 2  # the cut's own and that of the update
        outcomes[run.outcome] = outcomes.get(run.outcome, 0) + 1
    assert cut >= 0.8 * CUTS, f"only {cut} of {CUTS} upgrades lost their power"
    assert outcomes.get("recovered"), f"no cut did harm, so nothing was proven: {outcomes}"


@pytest.mark.timeout(60 + 3 * CUTS)
def test_a_module_that_flips_its_slots_before_the_data_is_found(proving):
    """The flag of the new image is written before the image: a cut in between leaves a module without firmware.

    The copying takes about a second of the seven between `Updating` and the restart, so that, of 20 moments spread over these,
    two or three lie in it, whatever the seed.
    """
    bench = proving("flag-before-data")
    clean, _ = bench.upgrade("delta")
    installing = {"delta": clean.stages["restarted"] - clean.stages["updating"]}
    for kind, after in moments(installing):
        run, _ = bench.upgrade(kind, at=urc.Updating, after=after, waveform="cut-500ms")
        assert disagreement(run, bench.truth(), bench.digest) is None, run.reason
        if run.outcome not in {"upgraded", "recovered"}:
            assert run.outcome == "bricked", run.reason
            return
    pytest.fail(f"{CUTS} cuts did not find the module that flips its slots too early")
