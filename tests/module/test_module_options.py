"""What the options of a model's profile make the verbs and the host do differently."""

from __future__ import annotations

import zlib

import pytest
from scripted_module import OFFER, OK
from test_module_host import plan

from pytest_quecfota import urc
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.models import Model
from pytest_quecfota.module import Module
from pytest_quecfota.module.host import Host
from pytest_quecfota.module.matching import check_digests


def with_options(client, model: Model, timeline, **options) -> Module:
    return Module(client, model.with_options(options), timeline=lambda: timeline)


def test_a_request_may_be_two_commands(scripted, client, model, timeline):
    module = with_options(client, model, timeline, sha256_request="then-bare")
    scripted.after["AT+QIOTOTAREQ=1"] = []
    scripted.replies["AT+QIOTOTAREQ"] = [OK]
    scripted.after["AT+QIOTOTAREQ"] = [OFFER]
    assert isinstance(module.request_upgrade(), urc.UpgradeOffered)
    assert scripted.heard == ["AT+QIOTOTAREQ=1", "AT+QIOTOTAREQ"]


def test_where_nothing_tells_the_charge_nothing_is_asked(scripted, client, model, timeline):
    module = with_options(client, model, timeline, battery_source="none")
    assert (module.battery_percent(), module.supply_millivolts()) == (None, None)
    assert scripted.heard == []


@pytest.mark.parametrize("crc", ["zlib", "unknown"])
def test_a_crc_is_compared_where_its_kind_is_known(crc):
    content = b"12345"
    started = urc.DownloadStarted("STM32", 5, None, zlib.crc32(content) ^ 1, None)
    if crc == "unknown":
        check_digests(started, content, crc=crc)
    else:
        with pytest.raises(ModuleError, match="CRC"):
            check_digests(started, content, crc=crc)


def test_a_module_that_confirms_by_itself_is_not_told_to(scripted, client, model, timeline):
    module = with_options(client, model, timeline, silent_plan_confirmed_by="module")
    scripted.after["AT+QIOTOTAREQ=1"] = [OFFER, *scripted.after["AT+QIOTUPDATE=1"]]
    run = Host(module).upgrade(plan())
    assert run.outcome == "upgraded"
    assert "AT+QIOTUPDATE=1" not in scripted.heard
    assert "AT+CBC" not in scripted.heard, "there is nothing left for the host to decide"
