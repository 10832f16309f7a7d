"""Which tests run, and on which rig: several rigs, needs, nightly and campaign tests, time limits.

What is decided here is decided before anything is brought up, from rig files and markers alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_quecfota import options
from pytest_quecfota.fixtures import uses_rig
from pytest_quecfota.rig import CAPABILITIES
from pytest_quecfota.rig.schema import Rig
from pytest_quecfota.timeline import seconds

REAL_SLACK = 60.0  # real seconds a test may take beyond its module time
PLAIN_LIMIT = 30 * 60.0  # module seconds a test may take that says nothing of its own


class Selection:
    """The tests of one run over its rigs, which are given by name."""

    def __init__(self, config: pytest.Config, rigs: Mapping[str, Rig]) -> None:
        self._config = config
        self._rigs = rigs
        self._assigned: dict[str, str] = {}

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Several rigs: each test names the rig it runs on."""
        if len(self._rigs) > 1:
            names = list(self._rigs)
            if not options.get(self._config, "--rig-each"):
                names = [self._spread(metafunc.definition.nodeid, names)]
            metafunc.parametrize("rig", names, indirect=True, scope="session")

    def rig_of(self, item: pytest.Item) -> Rig:
        """The rig a test runs on."""
        spec = getattr(item, "callspec", None)
        name = spec.params.get("rig") if spec is not None else None
        return self._rigs.get(str(name)) or next(iter(self._rigs.values()))

    def select(self, items: list[pytest.Item]) -> None:
        """Leave out what is too long for a rig that is not hardware, skip what the rig cannot do, set time limits."""
        out = [item for item in items if uses_rig(item) and self._left_out(item)]
        for item in out:
            items.remove(item)
        for item in items:
            if uses_rig(item):
                rig = self.rig_of(item)
                _skip_for_need(item, rig)
                _limit_time(item, rig)
        items.sort(key=self._spends_plan)
        if out:
            self._config.hook.pytest_deselected(items=out)

    def _left_out(self, item: pytest.Item) -> bool:
        rig = self.rig_of(item)
        chosen = str(self._config.option.markexpr or "")
        long = not rig.is_hardware and not options.get(self._config, "--full") and "nightly" not in chosen
        nightly = item.get_closest_marker("nightly") is not None and long
        campaign = item.get_closest_marker("campaign") is not None and "campaign" not in chosen
        return nightly or campaign

    def _spends_plan(self, item: pytest.Item) -> bool:
        """Whether a test comes last: what it refuses, a person has prepared, and is not offered again for hours."""
        spends = uses_rig(item) and item.get_closest_marker("spends_plan") is not None
        return spends and "plans" not in self.rig_of(item).capabilities()

    def _spread(self, nodeid: str, names: list[str]) -> str:
        """Tests of one file stay together; files take turns."""
        file = nodeid.partition("::")[0]
        return self._assigned.setdefault(file, names[len(self._assigned) % len(names)])


def _skip_for_need(item: pytest.Item, rig: Rig) -> None:
    needs = [need for marker in item.iter_markers("needs") for need in marker.args]
    unknown = [need for need in needs if need not in CAPABILITIES]
    if unknown:
        raise pytest.UsageError(
            f"{item.nodeid}: needs({unknown[0]!r}) is no capability; there are {', '.join(CAPABILITIES)}"
        )
    missing = [need for need in needs if need not in rig.capabilities()]
    if missing:
        item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}, which rig {rig.name} has not"))


def _limit_time(item: pytest.Item, rig: Rig) -> None:
    if item.get_closest_marker("timeout"):
        return
    marker = item.get_closest_marker("module_time")
    limit = seconds(marker.args[0]) if marker else PLAIN_LIMIT
    item.add_marker(pytest.mark.timeout(limit / rig.speed + REAL_SLACK, method="signal", func_only=True))
