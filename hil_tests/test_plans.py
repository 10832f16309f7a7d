"""Who is offered an upgrade: PLAN-01 to PLAN-03."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc

ANOTHER = "866000000000000"  # a device key that is not the rig's


@pytest.mark.requirement("PLAN-01")
def test_without_lists_the_device_is_offered_the_upgrade(module, fota_plan):
    """With no list every device of the product is in scope."""
    fota_plan()
    module.connect(mode=1)
    assert module.request_upgrade() is not None


@pytest.mark.requirement("PLAN-02", "PLAN-03", "OTA-02")
@pytest.mark.needs("plans")
@pytest.mark.parametrize(
    ("white", "black", "offered"),
    [
        (["me"], [], True),
        ([ANOTHER], [], False),
        ([], ["me"], False),
        ([], [ANOTHER], True),
        (["me"], ["me"], False),
        (["me"], [ANOTHER], True),
    ],
    ids=["white-listed", "not-white-listed", "black-listed", "not-black-listed", "black-wins", "white-and-other-black"],
)
def test_lists_decide_who_is_offered_the_upgrade(module, events, fota_plan, developer_center, white, black, offered):
    """The white list admits only its devices, the black list keeps its devices out, and the black list wins."""
    keys = {"me": developer_center.device_key}
    fota_plan(whitelist=[keys.get(k, k) for k in white], blacklist=[keys.get(k, k) for k in black])
    module.connect(mode=1)
    if offered:
        assert module.request_upgrade() is not None
    else:
        module.at("AT+QIOTOTAREQ=1")
        events.expect_none(urc.UpgradeOffered, during="60 s")
