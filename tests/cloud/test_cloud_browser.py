"""The web page in a real browser: the whole procedure, by mouse and by keyboard, and what must never happen in it.

`QUECFOTA_SCREENSHOTS=docs/images pytest tests/cloud/test_cloud_browser.py` makes the pictures of the documentation anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import browser as chromium
import pytest
from browser import Browser
from cloud_process import CloudProcess
from shop import Shop, fresh

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing())),
]
ENTER, ESCAPE, TAB = "\ue007", "\ue00c", "\ue004"
NAMELESS = """return [...document.querySelectorAll('input, select, textarea, button')]
    .filter(e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.outerHTML)"""
VIEWS = (
    "products",
    "packages",
    "components",
    "plans",
    "plans/new",
    "plans/{plan}",
    "plans/{plan}/edit",
    "products/{key}",
)
Picture = Callable[[str], None]


@pytest.fixture
def nothing_left_behind() -> None:
    """The browser's own processes come and go between tests; `Browser.close` ends them all, which is seen after this file."""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser") / "chromium")
    yield opened
    opened.close()


@pytest.fixture
def page(window: Browser, service: CloudProcess) -> Iterator[Browser]:
    """The page, signed in; a complaint of the browser is a failure."""
    window.open(service.url)
    window.run("sessionStorage.setItem('developer-center-token', arguments[0])", service.token)
    window.open("about:blank")
    window.open(f"{service.url}/#/products")
    window.there("Products", within="h1")
    yield window
    assert window.complaints() == []


@pytest.fixture
def picture(window: Browser) -> Picture:
    """Takes a screenshot for the documentation where one is asked for."""
    folder = os.environ.get("QUECFOTA_SCREENSHOTS")

    def take(name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            window.picture(Path(folder) / f"developer-center-{name}.png")

    return take


def test_a_person_can_do_the_whole_procedure(page: Browser, shop: Shop, picture: Picture, tmp_path: Path) -> None:
    image = tmp_path / "BC25_FOTA_V1_1.bin"
    image.write_bytes(b"firmware" * 4096)
    key, name, identifier = fresh("meters"), fresh("water meter "), fresh("BC25-")

    page.press("Sign out")
    page.fill("Token", shop.token)
    page.press("Sign in")
    page.there("Products", within="h1")
    page.press("New project")
    page.fill("Name", "Meters")
    page.press("Create project")
    page.there("Meters", within="td")
    page.press("New product")
    page.fill("Name", name)
    page.choose("Project", "Meters")
    page.fill("ProductKey", key)
    page.press("Create product")
    page.find(f'//td//a[.="{name}"]')
    picture("products")

    page.press("Packages")
    page.there("Packages", within="h1")
    page.press("Add package")
    page.fill("Name", package := fresh("BC25 V1.1 "))
    page.fill("Target version", "BC25_FOTA_V1_1")
    page.fill("Files", str(image))
    picture("package")
    page.press("Upload package")
    page.find(f'//td[.//div="{package}"]')

    page.press("Components")
    page.there("Components", within="h1")
    page.press("New component")
    page.fill("Name", identifier)
    page.fill("Identifier", identifier)
    page.press("Create component")
    page.there(identifier, within="td")

    product = next(p for p in shop.ok("GET", "/products")["items"] if p["product_key"] == key)
    device = shop.device(product, "BC25_FOTA_V1_0", dk=fresh("8661234500000")).up()

    page.press("Upgrade plans")
    page.press("New plan")
    page.there("New upgrade plan", within="h1")
    page.fill("Name", plan_name := fresh("meters to V1.1 "))
    page.choose("Product", name)
    page.choose("Component", identifier)
    page.choose("Package", package)
    picture("plan")
    page.press("Create plan")
    page.there(plan_name, within="h1")
    page.there("Inactivated", within="main")
    page.press(f"Activate {plan_name}")
    page.there("To be Upgraded", within="main")
    page.there("Live", within="main")

    (task,) = device.request()
    row = f'//tr[@data-key="{device.dk}"]'
    device.told(task, "received", "confirmed", "ready")
    page.find(f'{row}//*[.="Ready to Download"]')
    assert device.status(task, "downloading", 64).is_success
    page.find(f'{row}[.//*[.="Downloading"]]//*[.="32 %"]')
    picture("monitoring")
    device.told(task, "downloaded", "updating")
    page.find(f'{row}//*[.="Upgrading"]')
    page.press(f"Log of {device.dk}")
    page.there("Download Successful", within="dialog")
    device.version = task["target_version"]
    device.connect().told(task, "succeeded")
    page.there("consistent with the targeted version", within="dialog")
    picture("log")
    page.press("Close")
    page.find(f'{row}[.//*[.="Upgrade Succeeded"]][.//*[.="100 %"]]//*[.="Upgraded"]')
    page.find('//dl//div[dt="Success rate"]/dd[.="100\u00a0%"]')


def test_cancel_retry_suspend_resume_and_terminate(page: Browser, shop: Shop, service: CloudProcess) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.there(plan["name"], within="h1")
    row = f'//tr[@data-key="{device.dk}"]'

    page.press(f"Cancel {device.dk}")
    page.press("Cancel upgrade")
    page.find(f'{row}//*[.="Upgrade Failed"]')
    page.press(f"Retry {device.dk}")
    page.find(f'{row}//*[.="Not Upgraded"]')
    page.press(f"Suspend {plan['name']}")
    page.there("Suspended", within="main")
    page.press(f"Resume {plan['name']}")
    page.there("To be Upgraded", within="main")
    page.press(f"Terminate {plan['name']}")
    page.press("Terminate plan")
    page.there("Forced Terminated", within="main")
    page.find(f'{row}//*[.="Upgrade Failed"]')
    assert shop.shown(plan)["status"] == "Forced Terminated"


def test_a_plan_is_edited_and_deleted_before_its_activation(page: Browser, shop: Shop, service: CloudProcess) -> None:
    plan = shop.plan(shop.product(), activate=False, whitelist=["dev1", "dev2"])
    page.open(f"{service.url}/#/plans/{plan['id']}/edit")
    page.fill("Rejection time", "5")
    page.press("Save plan")
    assert page.run("return document.querySelector('form').checkValidity()") is False
    page.fill("Rejection time", "60")
    page.fill("Black list", "dev2, dev3")
    page.press("Save plan")
    page.there("60 min", within="main")
    shown = shop.shown(plan)
    assert (shown["rejection_minutes"], shown["blacklist"], shown["whitelist"]) == (
        60,
        ["dev2", "dev3"],
        ["dev1", "dev2"],
    )
    page.press(f"Delete {plan['name']}")
    page.press("Delete plan")
    page.there("Upgrade plans", within="h1")
    shop.refused(404, "GET", f"/plans/{plan['id']}")


def test_everything_can_be_done_from_the_keyboard(page: Browser, shop: Shop) -> None:
    page.run("document.getElementById('leave').focus()")
    for name in ("Products", "Packages", "Components"):
        page.keys(TAB)
        assert page.run("return document.activeElement.textContent") == name
    page.keys(ENTER)
    page.there("Components", within="h1")
    assert page.run("return document.activeElement.tagName") == "H1", "the focus goes where the new page begins"
    page.keys(TAB)
    page.keys(ENTER)
    page.there("New component", within="dialog")
    page.keys(name := fresh("keyboard"))
    page.keys(TAB)
    page.keys(fresh("KEY"))
    page.keys(ENTER)
    page.gone("//dialog")
    page.there(name, within="td")
    page.press("New component")
    page.keys(ESCAPE)
    page.gone("//dialog")


def test_a_refusal_is_said_in_the_dialog_and_nothing_is_lost(page: Browser, shop: Shop) -> None:
    taken = shop.component()
    page.press("Components")
    page.press("New component")
    page.fill("Name", taken)
    page.fill("Identifier", taken)
    page.press("Create component")
    page.find('//dialog//*[@role="alert"][contains(., "already")]')
    assert page.run("return arguments[0].value", {chromium.ELEMENT: page.field("Name")}) == taken
    page.press("Cancel")
    assert all("409" in complaint for complaint in page.complaints()), "the browser's own note of the refusal only"


def test_what_others_wrote_is_shown_as_text(page: Browser, shop: Shop) -> None:
    evil = "<img src=x onerror=document.title='x'>" + fresh("")
    shop.ok("POST", "/products", json={"name": evil})
    page.press("Packages")
    page.press("Products")
    page.find(f'//a[.="{evil}"]')
    assert page.run("return document.querySelectorAll('main img').length") == 0


def test_every_field_has_a_name_and_nothing_comes_from_elsewhere(
    page: Browser, shop: Shop, service: CloudProcess
) -> None:
    product = shop.product()
    plan = shop.plan(product, activate=False)
    for template in VIEWS:
        view = template.format(plan=plan["id"], key=product["product_key"])
        page.open(f"{service.url}/#/{view}")
        page.find(f'//main[@data-shown="#/{view}"]//h1')
        assert page.run(NAMELESS) == []
        assert (
            page.run(
                "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size"
            )
            == 0
        )
    loaded = page.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [url for url in loaded if not url.startswith(service.url)] == []


def test_a_wrong_token_stays_outside(window: Browser, service: CloudProcess) -> None:
    window.open(service.url)
    window.run("sessionStorage.clear()")
    window.open("about:blank")
    window.open(service.url)
    window.fill("Token", "not the token")
    window.press("Sign in")
    window.find('//*[@role="alert"][contains(., "not valid")]')
    assert window.run("return sessionStorage.length") == 0
    window.fill("Token", "not-the-token")
    window.press("Sign in")
    window.find('//*[@role="alert"][contains(., "not valid")]')
    assert all("401" in complaint for complaint in window.complaints())


def test_dark_is_dark(page: Browser, picture: Picture) -> None:
    ground = "return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).reduce((a, b) => a + Number(b), 0)"
    light = page.run(ground)
    page.colours("dark")
    assert page.run(ground) < 150 < 600 < light
    page.press("Upgrade plans")
    page.there("Upgrade plans", within="h1")
    picture("dark")
    page.colours("light")
