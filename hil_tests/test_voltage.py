"""What a module tells of its supply: a warning while it still works, then an orderly shutdown (PWR-06).

Nothing public says which module prints such lines; the profile does (`voltage_lines`), and where it says `none` there is nothing to
expect.
"""

from __future__ import annotations

import pytest

from pytest_quecfota import urc, where

pytestmark = [pytest.mark.needs("cuts"), pytest.mark.module_time("20 min")]


@pytest.fixture
def spoken(module):
    """Only for a module that tells of its supply."""
    if module.model.options.voltage_lines == "none":
        pytest.skip(f"{module.model.name} prints no voltage lines as far as anybody knows (voltage_lines: none)")


@pytest.mark.requirement("PWR-06")
def test_low_supply_is_warned_of_while_the_module_still_works(module, events, supply, spoken):
    """Near the lower end of the supply range the warning comes once, and the module goes on answering."""
    mark = events.mark()
    supply.set(voltage=round(supply.limits.min + 0.05, 3))
    events.expect(where(urc.UnderVoltage, level="warning"), within="10 s", since=mark)
    assert module.answers()
    assert len(events.seen(urc.UnderVoltage, since=mark)) == 1
    supply.restore()
    assert module.answers()


@pytest.mark.requirement("PWR-06")
def test_supply_below_the_range_ends_in_an_orderly_shutdown(module, events, supply, brownout, spoken):
    """Just below the range the module says that it powers down, is silent from then on, and comes back with the power."""
    mark = events.mark()
    supply.play(f"dip-{supply.limits.min - 0.06:.2f}V-2s")
    events.expect(where(urc.UnderVoltage, level="power-down"), within="20 s", since=mark)
    module.power_cycle()
    assert module.answers()
