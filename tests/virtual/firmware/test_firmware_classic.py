"""AT+QFOTADL: the sequence of each family, its result codes, and what a cut leaves."""

import re
from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab, make

from pytest_quecfota.virtual import delta

LAST = {"EC200U": rb"PB DONE\r\n", "EC25": rb"PB DONE\r\n", "BG95-M3": rb"SMS DONE\r\n", "BC660K-GL": rb"RDY\r\n"}
VOLTS = {"BC660K-GL": 3.3}
INSTALLED = {
    "EC200U": r"HTTPSTART (DOWNLOADING,\d+ )+HTTPEND,0 START (UPDATING,\d+ )+END,0",
    "EC25": r"HTTPSTART HTTPEND,0 START (UPDATING,\d+ )+END,0",
    "BG95-M3": r"HTTPSTART HTTPEND,0 START (UPDATING,\d+% )+(RESTORE,\d+% )+END,0",
    "BC660K-GL": r"HTTPSTART (DOWNLOADING,\d+% )+HTTPEND,0",
}


def up(make_lab: Callable[..., Lab], model: str, **settings: object) -> Lab:
    lab = make_lab(model, **settings)
    lab.power(True, VOLTS.get(model, 3.8))
    lab.client.until(LAST[model])
    lab.step(6)  # on the network
    lab.client.drain()
    return lab


def stages(text: bytes) -> str:
    """The stages printed, in order: `HTTPSTART DOWNLOADING,5 …`."""
    return " ".join(stage + value for stage, value in re.findall(r'\+QIND: "FOTA","([^"]+)"(,[^\r]*)?', text.decode()))


def start(lab: Lab, platform: FakePlatform, package: bytes, counts: str = "") -> None:
    platform.files["/package.bin"] = package
    lab.client.ok(f'AT+QFOTADL="{platform.url}/package.bin"{counts}')


@pytest.mark.parametrize("model", INSTALLED)
def test_each_family_tells_it_in_its_own_words(
    make_lab: Callable[..., Lab], platform: FakePlatform, model: str
) -> None:
    lab = up(make_lab, model)
    start(lab, platform, make("V2", model))
    text = lab.client.until(rb"\r\nRDY\r\n")
    assert re.fullmatch(INSTALLED[model], stages(text)), stages(text)
    lab.client.until(LAST[model]) if LAST[model] != rb"RDY\r\n" else lab.step(2)
    assert lab.client.ok("AT+CGMR") == b"V2"
    assert lab.truth().upgrades == 1


def test_a_delta_is_installed_too(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC200U")
    start(lab, platform, delta.make(make("V1", "EC200U"), make("V2", "EC200U")))
    assert stages(lab.client.until(rb"RDY\r\n")).endswith("END,0")
    assert lab.truth().version == "V2"


BAD = {
    "damaged": (lambda model: make("V2", model)[:-1] + b"\x00", {"EC200U": 505, "EC25": 505}),
    "another model": (lambda _: make("V2", "BC25"), {"EC200U": 552, "EC25": 510}),
    "another source": (lambda model: delta.make(make("V3", model), make("V2", model)), {"EC200U": 507, "EC25": 510}),
}


@pytest.mark.parametrize("model", ["EC200U", "EC25"])
@pytest.mark.parametrize("what", BAD)
def test_a_wrong_package_ends_with_its_code_and_the_old_version(
    make_lab: Callable[..., Lab], platform: FakePlatform, model: str, what: str
) -> None:
    package, codes = BAD[what]
    lab = up(make_lab, model)
    start(lab, platform, package(model))
    assert stages(lab.client.until(rb"RDY\r\n")).endswith(f"HTTPEND,0 START END,{codes[model]}")
    assert lab.truth().version == "V1"


def test_what_cannot_be_downloaded_ends_with_a_code(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC200U")
    for url, code in ((f"{platform.url}/none.bin", 723), ("http://127.0.0.1:9/x", 716)):
        lab.client.ok(f'AT+QFOTADL="{url}"')
        assert stages(lab.client.until(rb"HTTPEND[^\r]*\r\n")) == f"HTTPSTART HTTPEND,{code}"
    lab.on_loop(lambda: lab.radio.set(attached=False))
    start(lab, platform, make("V2", "EC200U"))
    assert stages(lab.client.until(rb"HTTPEND[^\r]*\r\n")) == "HTTPSTART HTTPEND,702"
    assert lab.truth().boots == 1


def test_the_number_of_progress_lines_can_be_asked_for(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC200U")
    start(lab, platform, make("V2", "EC200U", 200_000), ",1,0,50")
    text = stages(lab.client.until(rb"RDY\r\n"))
    assert "DOWNLOADING" not in text
    assert text.count("UPDATING") > 30


def test_a_cut_while_restoring_is_told_and_it_goes_on(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "BG95-M3", speed=10)
    start(lab, platform, make("V2", "BG95-M3", 100_000))
    lab.client.until(rb'RESTORE",\d+%\r\n')
    lab.power(False)
    lab.client.drain()
    lab.power(True, 3.8)
    text = stages(lab.client.until(rb"RDY\r\n"))
    assert re.fullmatch(r"Last upgrade was not finished,continue upgrade (RESTORE,\d+% )+END,0", text), text
    assert lab.truth().version == "V2"


REFUSED = [
    "",
    '=""',
    '="ftp://x/y"',
    "=1",
    '="http://x",2',
    '="http://x",1,3',
    '="http://x",1,101',
    '="http://x",1,5,5,5',
]


def test_wrong_parameters_are_refused(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "EC200U")
    assert lab.client.ok("AT+QFOTADL=?") == b"+QFOTADL: <url>,(0,1),(0,5-100),(0,5-100)"
    for text in REFUSED:
        assert lab.client.command(f"AT+QFOTADL{text}") == b"\r\nERROR\r\n", text


def test_a_model_of_which_nothing_is_known_has_no_such_command(lab: Lab) -> None:
    assert lab.client.command("AT+QFOTADL=?") == b"\r\nERROR\r\n"
    assert lab.client.command('AT+QFOTADL="http://127.0.0.1/x"') == b"\r\nERROR\r\n"
