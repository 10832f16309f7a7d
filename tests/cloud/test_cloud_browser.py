"""The web page in a real browser: its parts, by mouse and by keyboard, and what must never happen in it.

The whole procedure with a module at its other end is in `test_cloud_browser_procedure.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
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
FAINT = """
const rgb = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
return [...document.querySelectorAll('body *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility()
        && !e.closest(':disabled, .unseen, .skip, option'))
    .map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
        return [(a + 0.05) / (b + 0.05), e.outerHTML.slice(0, 90)]; })
    .filter(([ratio]) => ratio < 4.5)"""
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


def test_the_monitoring_follows_a_device_live(page: Browser, shop: Shop, service: CloudProcess) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.there("Live", within="main")
    (task,) = device.request()
    row = f'//tr[@data-key="{device.dk}"]'
    device.told(task, "received", "confirmed", "ready")
    page.find(f'{row}//*[.="Ready to Download"]')
    assert device.status(task, "downloading", 64).is_success
    page.find(f'{row}[.//*[.="Downloading"]]//*[.="32 %"]')
    device.told(task, "failed")
    page.find(f'{row}//*[.="Upgrade Failed"]')
    page.find('//dl//div[dt="Success rate"]/dd[.="0\u00a0%"]')
    page.press(f"Log of {device.dk}")
    page.find('//dialog//ol/li[@class="bad"][.="Result"]')
    page.press("Close")


def test_all_failed_devices_are_tried_again_together_and_who_cannot_is_named(
    page: Browser, shop: Shop, service: CloudProcess
) -> None:
    product = shop.product()
    plan = shop.plan(product, strategy={"retries": 1})
    one, other = (shop.device(product).up() for _ in range(2))
    for device in (one, other):
        device.told(device.request()[0], "received", "confirmed", "failed")
    shop.ok("POST", f"/plans/{plan['id']}/devices/{one.dk}/retry")
    one.told(one.poll(5)[0]["tasks"][0], "received", "confirmed", "failed")
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.press("Retry all failed")
    page.find(f'//*[@id="messages"]/p[contains(., "1 devices are tried again. 1 are not: {one.dk}: no retry left")]')
    page.find(f'//tr[@data-key="{other.dk}"]//*[.="Not Upgraded"]')


def test_the_page_of_a_plan_with_a_thousand_devices_is_quick(page: Browser, shop: Shop, service: CloudProcess) -> None:
    product = shop.product()
    plan = shop.plan(product, whitelist=[f"8661234500{n:05}" for n in range(1000)])
    devices = [shop.device(product, dk=f"8661234500{n:05}").up() for n in (3, 150)]
    begin = time.monotonic()
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.there("1–100 of 1000", within="main")
    assert page.run("return document.querySelectorAll('tbody tr').length") == 100
    for device in devices:
        device.told(device.request()[0], "received", "confirmed")
    page.find(f'//tr[@data-key="{devices[0].dk}"]//*[.="Upgrade Confirmed"]')
    page.press("Next")
    page.there("101–200 of 1000", within="main")
    page.choose("Status", "Upgrading")
    page.gone('//main//*[contains(., "of 1000")]')
    page.find("//tbody[count(tr) = 2]")
    assert time.monotonic() - begin < 8.0


def test_lists_are_imported_and_components_taken_over_from_another_plan(
    page: Browser, shop: Shop, service: CloudProcess, tmp_path: Path
) -> None:
    product = shop.product()
    parts = [{"identifier": shop.component(), "package": shop.package()["id"], "specified_versions": ["V0", "V1"]}]
    parts.append({"identifier": shop.component(), "package": shop.package("V3")["id"]})
    other = shop.plan(product, components=parts)
    file = tmp_path / "devices.csv"
    file.write_text("DeviceKey,site\r\n866123450000017,Hangzhou\r\n866123450000025,Hefei\r\n")
    page.open(f"{service.url}/#/plans/new")
    page.there("New upgrade plan", within="h1")
    page.fill("Name", name := fresh("imported"))
    page.choose("Product", product["name"])
    page.run("document.querySelector('input[type=file][aria-label=\"File for the white list\"]').hidden = false")
    page.keys(str(file), page.find('//input[@aria-label="File for the white list"]'))
    page.there("2 devices imported.")
    page.pick('//select[@aria-label="Take over components from a plan"]', other["name"])
    page.press("Create plan")
    page.there(name, within="h1")
    made = next(plan for plan in shop.ok("GET", f"/plans?name={name}")["items"])
    assert made["whitelist"] == ["866123450000017", "866123450000025"]
    assert made["components"] == other["components"]
    page.there("866123450000017, 866123450000025", within="main")


def test_texts_of_a_plan_in_force_are_changed(page: Browser, shop: Shop, service: CloudProcess) -> None:
    plan = shop.plan(shop.product(), mode="user-confirmed", texts={"en": "old", "zh": ""})
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.press(f"Texts {plan['name']}")
    page.fill("English", "A better version.")
    page.press("Save texts")
    page.there("A better version.", within="main")
    assert shop.shown(plan)["texts"] == {"en": "A better version.", "zh": ""}


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


def test_dark_is_dark(page: Browser) -> None:
    ground = "return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).reduce((a, b) => a + Number(b), 0)"
    light = page.run(ground)
    page.colours("dark")
    assert page.run(ground) < 150 < 600 < light
    page.colours("light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Browser, shop: Shop, service: CloudProcess, scheme: str) -> None:
    """At least 4.5 to 1, as WCAG 2 asks for: badges, hints, buttons, headings, in every view."""
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    device.told(device.request()[0], "received", "confirmed", "failed")
    page.colours(scheme)
    for view in (f"plans/{plan['id']}", "plans", "plans/new", "packages", f"products/{product['product_key']}"):
        page.open(f"{service.url}/#/{view}")
        page.find(f'//main[@data-shown="#/{view}"]//h1')
        assert page.run(FAINT) == [], view
    page.colours("light")


def test_a_narrow_window_shows_every_view_without_scrolling_sideways(
    page: Browser, shop: Shop, service: CloudProcess
) -> None:
    product = shop.product()
    plan = shop.plan(product, activate=False, whitelist=[f"86612345000{n:04}" for n in range(50)])
    shop.device(product).up()
    page.width(390)
    for template in VIEWS:
        view = template.format(plan=plan["id"], key=product["product_key"])
        page.open(f"{service.url}/#/{view}")
        page.find(f'//main[@data-shown="#/{view}"]//h1')
        assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0, view
    page.width(1280)


def test_a_button_of_every_row_can_be_reached_and_used_from_the_keyboard(
    page: Browser, shop: Shop, service: CloudProcess
) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    page.open(f"{service.url}/#/plans/{plan['id']}")
    page.find(f'//tr[@data-key="{device.dk}"]')
    page.there("Live", within="main")
    wanted = f"Cancel {device.dk}"
    for _ in range(30):
        page.keys(TAB)
        if page.run("return document.activeElement.ariaLabel") == wanted:
            break
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is seen"
    page.keys(ENTER)
    page.there(f"Cancel the upgrade of {device.dk}?", within="dialog")
    for _ in range(5):
        if page.run("return document.activeElement.textContent") == "Cancel upgrade":
            break
        page.keys(TAB)
    page.keys(ENTER)
    page.find(f'//tr[@data-key="{device.dk}"]//*[.="Upgrade Failed"]')


def test_a_service_that_is_gone_is_said_and_the_page_comes_back_with_it(window: Browser, tmp_path: Path) -> None:
    env = {"OUR_TOKEN": "the-token-of-this-test"}
    process = CloudProcess(tmp_path, "--token-env", "OUR_TOKEN", env=env)
    window.open(process.url)
    window.run("sessionStorage.setItem('developer-center-token', arguments[0])", process.token)
    window.open("about:blank")
    window.open(f"{process.url}/#/products")
    window.there("Products", within="h1")
    process.kill()
    window.press("Components")
    window.there("The Developer Center does not answer.", within="main")
    again = CloudProcess(tmp_path, "--token-env", "OUR_TOKEN", "--port", process.url.rsplit(":", 1)[1], env=env)
    window.press("Packages")
    window.there("There is no package yet.", within="main")
    assert again.stop() == (0, "")
    window.open("about:blank")
    assert all("ERR_CONNECTION_REFUSED" in complaint for complaint in window.complaints())
