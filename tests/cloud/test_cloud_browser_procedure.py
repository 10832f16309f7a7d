"""The whole procedure in the web page, with a virtual module at its other end: from an empty platform to a new firmware.

`QUECFOTA_SCREENSHOTS=docs/images pytest tests/cloud/test_cloud_browser_procedure.py` makes the pictures of the
documentation anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import browser as chromium
import pytest
from browser import Browser
from virtual_module import VirtualModule, image

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing())),
]
Picture = Callable[..., None]
FIRST, SECOND, THIRD = "BC25_FOTA_V1_0", "BC25_FOTA_V2_0", "BC25_FOTA_V3_0"
SIZE = 400_000
"""Bytes of an image: enough blocks for a person to see the per cents grow."""
WATCHING = 15.0
"""Module seconds per second while somebody watches."""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[VirtualModule]:
    started = VirtualModule(tmp_path / "bench.log")
    yield started
    started.close()


@pytest.fixture
def page(module: VirtualModule, tmp_path: Path) -> Iterator[Browser]:
    """The browser, closed before the bench is; a complaint of it is a failure."""
    opened = Browser(tmp_path / "chromium")
    yield opened
    complaints = opened.complaints()
    opened.close()
    assert complaints == []


@pytest.fixture
def nothing_left_behind() -> None:
    """Chromium's helper processes outlive it by a moment; bench and browser are closed by their fixtures."""


@pytest.fixture
def picture(page: Browser) -> Picture:
    """Takes a screenshot for the documentation where one is asked for."""
    folder = os.environ.get("QUECFOTA_SCREENSHOTS")

    def take(name: str, **size: int) -> None:
        if folder:
            page.run("document.querySelectorAll('#messages p').forEach(note => note.remove())")
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.picture(Path(folder) / f"developer-center-{name}.png", **size)

    return take


def test_a_person_upgrades_a_module_and_calls_one_back(
    page: Browser, module: VirtualModule, picture: Picture, tmp_path: Path
) -> None:
    sign_in(page, module, picture)
    key, secret = make_product(page, picture)
    module.at(f'AT+QIOTCFG="productinfo","{key}","{secret}"')
    module.at("AT+QIOTREG=2", until="+QIOTEVT: 3,10200")
    page.press("Water meter")
    page.find(f'//tr[@data-key="{module.dk}"][.//*[.="Online"]][.//*[.="Activated"]]//code[.="{FIRST}"]')
    picture("devices")

    add_package(page, image(tmp_path / "BC25_FOTA_V2_0.bin", SECOND, SIZE), "Meter firmware 2.0", SECOND, picture)
    make_component(page)
    make_plan(page, "Meters to 2.0", "Meter firmware 2.0", picture)
    upgrade_while_watching(page, module, picture)

    add_package(page, image(tmp_path / "BC25_FOTA_V3_0.bin", THIRD, SIZE), "Meter firmware 3.0", THIRD)
    make_plan(page, "Meters to 3.0", "Meter firmware 3.0")
    call_back_and_retry(page, module)
    look_elsewhere(page, picture)


def sign_in(page: Browser, module: VirtualModule, picture: Picture) -> None:
    page.open(module.url)
    page.there("Sign in", within="h1")
    picture("sign-in")
    page.fill("Token", module.token)
    page.press("Sign in")
    page.there("Products", within="h1")


def make_product(page: Browser, picture: Picture) -> tuple[str, str]:
    """A project and a product; returns what a person copies from the credentials."""
    page.press("New project")
    page.fill("Name", "Utilities")
    page.press("Create project")
    page.there("Utilities", within="td")
    page.press("New product")
    page.fill("Name", "Water meter")
    page.choose("Project", "Utilities")
    page.press("Create product")
    page.find('//td//a[.="Water meter"]')
    picture("products")
    page.press("Credentials of Water meter")
    told = [f'//dialog//div[dt="{name}"]//code' for name in ("ProductKey", "ProductSecret")]
    key, secret = (page.run("return arguments[0].textContent", {chromium.ELEMENT: page.find(one)}) for one in told)
    page.press("Close")
    return key, secret


def add_package(page: Browser, file: Path, name: str, version: str, picture: Picture = lambda *_: None) -> None:
    page.press("Packages")
    page.there("Packages", within="h1")
    page.press("Add package")
    page.fill("Name", name)
    page.fill("Target version", version)
    page.fill("Files", str(file))
    picture("package")
    page.press("Upload package")
    page.find(f'//td[.//div="{name}"]')


def make_component(page: Browser) -> None:
    page.press("Components")
    page.there("Components", within="h1")
    page.press("New component")
    page.fill("Name", "Modem")
    page.fill("Identifier", "BC25")
    page.press("Create component")
    page.there("BC25", within="td")


def make_plan(page: Browser, name: str, package: str, picture: Picture = lambda *_: None) -> None:
    page.press("Upgrade plans")
    page.there("Upgrade plans", within="h1")
    page.press("New plan")
    page.there("New upgrade plan", within="h1")
    page.fill("Name", name)
    page.choose("Product", "Water meter")
    page.choose("Component", "Modem")
    page.choose("Package", package)
    page.fill("Time zone", "Asia/Shanghai")
    page.run("scrollTo(0, 0)")
    picture("plan")
    page.press("Create plan")
    page.there(name, within="h1")
    page.there("Inactivated", within="main")
    page.press(f"Activate {name}")
    page.there("To be Upgraded", within="main")
    page.there("Live", within="main")


def upgrade_while_watching(page: Browser, module: VirtualModule, picture: Picture) -> None:
    row = f'//tr[@data-key="{module.dk}"]'
    offer = module.at("AT+QIOTOTAREQ=1", until="7,10700")
    page.find(f'{row}//*[.="Plan Received"]')
    assert f'"BC25","","{SECOND}",30,-113,{SIZE}' in module.hear(str(SIZE)), offer
    module.run_at(WATCHING)
    module.at("AT+QIOTUPDATE=1", until="7,10701")
    page.find(f'{row}[.//*[.="Downloading"]]//progress[number(@value) > 10 and number(@value) < 50]')
    picture("monitoring")
    page.press(f"Log of {module.dk}")
    page.there("Downloading", within="dialog")
    module.hear("7,10704", 60)
    page.there("Upgrading", within="dialog")
    page.find('//dialog//ol/li[@class="now"][starts-with(., "Upgrade")]')
    picture("log")
    module.hear("7,10705", 60)
    page.find('//dialog//tr[contains(., "consistent with the targeted version")]')
    page.find('//dialog//ol[count(li[@class="done"]) = 5]')
    page.press("Close")
    page.find(f'{row}[.//*[.="Upgrade Succeeded"]][.//*[.="100 %"]]//*[.="Upgraded"]')
    page.find('//dl//div[dt="Success rate"]/dd[.="100\u00a0%"]')
    assert SECOND in module.at("AT+CGMR")


def call_back_and_retry(page: Browser, module: VirtualModule) -> None:
    row = f'//tr[@data-key="{module.dk}"]'
    page.find(f'{row}//*[.="Online"]')
    module.run_at(WATCHING)
    module.at("AT+QIOTOTAREQ=1", until="7,10700")
    module.at("AT+QIOTUPDATE=1", until="7,10702")
    page.find(f'{row}//*[.="Downloading"]')
    page.press(f"Cancel {module.dk}")
    page.press("Cancel upgrade")
    page.find(f'{row}//*[.="Upgrade Failed"]')
    module.at("AT")
    page.press(f"Retry {module.dk}")
    module.hear("7,10700", 30)
    module.run_at(60)
    module.at("AT+QIOTUPDATE=1", until="7,10705", seconds=60)
    page.find(f'{row}[.//*[.="100 %"]]//*[.="Upgraded"]')
    assert THIRD in module.at("AT+CGMR")
    page.press(f"Log of {module.dk}")
    for told in ("Cancellation sent", "Upgrade cancelled", "Retry of the failed upgrade", f"targeted version {THIRD}"):
        page.find(f'//dialog//tr[contains(., "{told}")]')
    page.press("Close")


def look_elsewhere(page: Browser, picture: Picture) -> None:
    page.press("Upgrade plans")
    page.there("Meters to 2.0", within="td")
    page.colours("dark")
    picture("dark")
    page.colours("light")
    page.press("Meters to 3.0")
    page.there("Meters to 3.0", within="h1")
    page.width(420)
    page.find('//tr//*[.="Upgraded"]')
    picture("narrow", width=420, height=900)
    page.width(1280)
