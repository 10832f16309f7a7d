"""A headless Chromium, driven over the W3C WebDriver protocol that Debian's chromedriver speaks; nothing is downloaded."""

from __future__ import annotations

import base64
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT_SECONDS = 10.0
SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    "--hide-scrollbars",
]


def missing() -> str | None:
    """Why there is no browser to test with, None where there is."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found (Debian: chromium, chromium-driver)" if absent else None


class Browser:
    """One browser with one page. Finding something waits until it is there, so no test has to."""

    def __init__(self, profile: Path) -> None:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC", "LANG": "C.UTF-8"},
        )
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._port()}", timeout=60, trust_env=False)
        options = {"binary": shutil.which("chromium"), "args": [*SWITCHES, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._session = ""
        try:
            begun = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{begun['sessionId']}"
            self.patience(WAIT_SECONDS)
        except BaseException:
            self.close()
            raise

    def _port(self) -> int:
        stdout = self._driver.stdout
        assert stdout is not None
        while select.select([stdout], [], [], WAIT_SECONDS)[0]:
            line = stdout.readline().decode()
            if "started successfully on port" in line:
                return int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
            if not line:
                break
        self._driver.kill()
        self._driver.communicate(timeout=10)
        raise RuntimeError("chromedriver did not start")

    def close(self) -> None:
        """Ends browser and driver."""
        try:
            if self._session:
                self._call("DELETE", "", None)
        finally:
            self._http.close()
            self._driver.terminate()
            self._driver.communicate(timeout=10)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        more = {} if method != "POST" else {"json": body or {}}
        answer = self._http.request(method, self._session + path, **more)
        value = answer.json()["value"]
        assert answer.is_success, f"{path} {body}: {value['error']}: {value['message']}"
        return value

    # -- looking --------------------------------------------------------------------------------------------------

    def patience(self, seconds: float) -> None:
        """How long to look for something that is not there (yet)."""
        self._call("POST", "/timeouts", {"implicit": int(seconds * 1000), "script": 30_000})

    def find(self, xpath: str) -> str:
        """The first element that fits."""
        return str(self._call("POST", "/element", {"using": "xpath", "value": xpath})[ELEMENT])

    def there(self, text: str, within: str = "body") -> str:
        """The innermost element that shows this text."""
        told = f'contains(normalize-space(.), "{text}")'
        return self.find(f"//{within}/descendant-or-self::*[{told}][not(*[{told}])][not(self::script)]")

    def gone(self, xpath: str) -> None:
        """Waits until nothing fits any more."""
        self.find(f"//html[not({xpath})]")

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": arguments})

    def complaints(self) -> list[str]:
        """Errors the browser wrote into its console since the last look."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def picture(self, path: Path, width: int = 1280, height: int = 757) -> None:
        """A screenshot of the upper part of the page, small enough for a document."""
        part = {"x": 0, "y": 0, "width": width, "height": height, "scale": 0.75}
        wanted = {"cmd": "Page.captureScreenshot", "params": {"format": "png", "clip": part}}
        path.write_bytes(base64.b64decode(self._call("POST", "/goog/cdp/execute", wanted)["data"]))

    # -- doing ----------------------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Goes to an address."""
        self._call("POST", "/url", {"url": url})

    def press(self, name: str) -> None:
        """Clicks the button or link of this name, in the dialog if there is one."""
        named = f'@aria-label="{name}" or normalize-space(.)="{name}"'
        shown = "not(//dialog[@open]) or ancestor::dialog[@open]"
        for _ in range(3):  # a page that lives may exchange what was found before it is clicked
            element = self.find(f"(//button|//a|//summary)[{named}][{shown}][not(@disabled)]")
            if self._http.post(f"{self._session}/element/{element}/click", json={}).is_success:
                return
        self._call("POST", f"/element/{element}/click")

    def field(self, label: str) -> str:
        """The field of this label, in the dialog if there is one."""
        shown = "not(//dialog[@open]) or ancestor::dialog[@open]"
        named = f'starts-with(normalize-space(.), "{label}")'
        return self.find(f"//*[@id=//label[{named}][{shown}]/@for]")

    def fill(self, label: str, value: str) -> None:
        """Writes into a field; a file field takes a path."""
        element = self.field(label)
        if self.run("return arguments[0].type !== 'file'", {ELEMENT: element}):
            self._call("POST", f"/element/{element}/clear")
        self.keys(value, element)

    def choose(self, label: str, text: str) -> None:
        """Picks the option of a list that begins with this text."""
        option = self.find(f'//*[@id="{self.attribute(self.field(label), "id")}"]/option[starts-with(., "{text}")]')
        self._call("POST", f"/element/{option}/click")

    def pick(self, xpath: str, text: str) -> None:
        """Picks the option of a list without a label that begins with this text."""
        option = self.find(f'{xpath}/option[starts-with(., "{text}")]')
        self._call("POST", f"/element/{option}/click")

    def attribute(self, element: str, name: str) -> str:
        """An attribute of an element."""
        return str(self._call("GET", f"/element/{element}/attribute/{name}"))

    def active(self) -> str:
        """The element that has the focus."""
        return str(self._call("GET", "/element/active")[ELEMENT])

    def keys(self, text: str, element: str | None = None) -> None:
        """Types, where the focus is or into an element."""
        self._call("POST", f"/element/{element or self.active()}/value", {"text": text})

    def width(self, pixels: int) -> None:
        """Makes the window so wide, as on a telephone."""
        size = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        wanted = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        self._call("POST", "/goog/cdp/execute", wanted)

    def colours(self, scheme: str) -> None:
        """Lets the page believe that its reader likes it `light` or `dark`."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": media})
