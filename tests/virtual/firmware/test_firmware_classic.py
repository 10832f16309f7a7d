"""AT+QFOTADL: each family's ways, words and result codes, what a cut leaves, and the file a package may lie in."""

import contextlib
import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_platform import FakePlatform
from lab import Lab, make
from package_servers import serving

from pytest_quecfota.virtual import delta
from pytest_quecfota.virtual.firmware.files import checksum

LTE = rb"PB DONE\r\n"
LAST = {"EC200U": LTE, "EC800K": LTE, "EC25": LTE, "EG91": LTE, "BG95-M3": rb"SMS DONE\r\n", "BC660K-GL": rb"RDY\r\n"}
VOLTS = {"BC660K-GL": 3.3}
INSTALLED = {
    "EC200U": r"HTTPSTART (DOWNLOADING,\d+ )+HTTPEND,0 START (UPDATING,\d+ )+END,0",
    "EC800K": r"HTTPSTART HTTPEND,0 (UPDATING,\d+ )+END,0",
    "EC25": r"HTTPSTART HTTPEND,0 START (UPDATING,\d+ )+END,0",
    "EG91": r"HTTPSTART HTTPEND,0 START (UPDATING,\d+ )+END,0",
    "BG95-M3": r"HTTPSTART HTTPEND,0 START (UPDATING,\d+% )+(RESTORE,\d+% )+END,0",
    "BC660K-GL": r"HTTPSTART (DOWNLOADING,\d+% )+HTTPEND,0",
}
PARTS = {"EC800K": (".mini_1", ".mini_2")}


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
    parts = PARTS.get(lab.data.model, ("",))
    size = -(-len(package) // len(parts))
    for index, ending in enumerate(parts):
        platform.files[f"/package.bin{ending}"] = package[index * size : (index + 1) * size]
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
    "damaged": (lambda model: make("V2", model)[:-1] + b"\x00", {"EC200U": 505, "EC25": 510}),
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


REFUSED = {
    "EC200U": [
        "",
        "?",
        '=""',
        '="http:"',
        '="gopher://x/y"',
        '="http://x/' + "y" * 247 + '"',
        "=1",
        "=http",
        '="http://x",2',
        '="http://x",1,3',
        '="http://x",1,101',
        '="http://x",1,5,5,5',
        '="FILE:0"',
        '="FILE:99999999"',
        '="FILE:abc"',
        '="UFS:none.bin"',
    ],
    "EC800K": ['="http://x",1', '="FILE:10"', '="http://x/' + "y" * 120 + '"'],
    "EC25": ['="http://x",1', "=1", '="FILE:10"', '="UFS:none.bin"', '="no name"'],
    "BG95-M3": ['="ftp://x/y"', "=1", "=2", '="FILE:10"'],
    "BC660K-GL": ['="https://x/y"', '="ftp://x/y"', "=1"],
}


@pytest.mark.parametrize("model", REFUSED)
def test_wrong_parameters_and_ways_the_family_has_not_are_refused(make_lab: Callable[..., Lab], model: str) -> None:
    lab = up(make_lab, model)
    test = b"+QFOTADL: <url>,(0,1),(0,5-100),(0,5-100)" if model == "EC200U" else b"+QFOTADL: <url>"
    assert lab.client.ok("AT+QFOTADL=?") == test
    for text in REFUSED[model]:
        assert lab.client.command(f"AT+QFOTADL{text}") == b"\r\nERROR\r\n", text
    assert lab.truth().boots == 1


def test_a_model_of_which_nothing_is_known_has_no_such_command(lab: Lab) -> None:
    for command in ("QFOTADL=?", 'QFOTADL="http://127.0.0.1/x"', "QFLST", 'QFUPL="a",5', "QFLDS=?"):
        assert not lab.client.command(f"AT+{command}").endswith(b"\r\nOK\r\n"), command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "packages").mkdir()
    return tmp_path / "packages"


@pytest.mark.parametrize(
    ("way", "model", "words", "profile"),
    [
        ("https", "EC200U", "HTTP", {}),
        ("https", "EC25", "HTTPS", {"dfota_https_words": "https"}),
        ("ftp", "EC200U", "FTP", {}),
        ("ftp", "EG91", "FTP", {}),
    ],
)
def test_a_package_comes_over_https_and_ftp(
    make_lab: Callable[..., Lab], folder: Path, way: str, model: str, words: str, profile: dict[str, str]
) -> None:
    lab = up(make_lab, model, profile=profile)
    (folder / "p.bin").write_bytes(make("V2", model))
    with serving(folder, way) as url:
        lab.client.ok(f'AT+QFOTADL="{url}/p.bin"')
        text = stages(lab.client.until(rb"\r\nRDY\r\n"))
        assert re.fullmatch(rf"{words}START (DOWNLOADING,\d+ )*{words}END,0 START (UPDATING,\d+ )+END,0", text), text
        lab.client.until(LTE)
        lab.step(6)
        lab.client.ok(f'AT+QFOTADL="{url}/none.bin"')
        missing = {"FTP": 627}.get(words, 723)
        assert stages(lab.client.until(rb"END[^\r]*\r\n")) == f"{words}START {words}END,{missing}"
    assert lab.truth().version == "V2"


def test_what_a_server_of_ftp_says_becomes_its_documented_code(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "EC200U")
    replies = {421: 614, 425: 615, 426: 616, 450: 617, 500: 620, 503: 623, 530: 625, 532: 626, 550: 627, 552: 629}
    for reply, code in replies.items():
        with one_reply(f"{reply} no\r\n".encode()) as port:
            lab.client.ok(f'AT+QFOTADL="ftp://user:word@127.0.0.1:{port}/x"')
            assert stages(lab.client.until(rb"FTPEND[^\r]*\r\n")) == f"FTPSTART FTPEND,{code}"
    for answer, code in ((b"", 608), (b"what?\r\n", 601)):
        with one_reply(answer) as port:
            lab.client.ok(f'AT+QFOTADL="ftp://127.0.0.1:{port}/x"')
            assert stages(lab.client.until(rb"FTPEND[^\r]*\r\n")) == f"FTPSTART FTPEND,{code}"
    for url, code in (("ftp://127.0.0.1:9/x", 605), ("ftp://127.0.0.1", 612)):
        lab.client.ok(f'AT+QFOTADL="{url}"')
        assert stages(lab.client.until(rb"FTPEND[^\r]*\r\n")) == f"FTPSTART FTPEND,{code}"


def test_a_failed_download_of_an_nb_module_has_one_code(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "BC660K-GL")
    lab.client.ok(f'AT+QFOTADL="{platform.url}/none.bin"')
    assert stages(lab.client.until(rb"HTTPEND[^\r]*\r\n")) == "HTTPSTART HTTPEND,12"


def test_a_package_comes_over_the_serial_line(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "EC200U")
    package = make("V2", "EC200U")
    assert lab.client.ok(f'AT+QFOTADL="FILE:{len(package)}",2') == b"010003"
    lab.client.write(f'AT+QFOTADL="FILE:{len(package)}",0,50,12\r'.encode())
    lab.client.until(rb"\r\nCONNECT\r\n")
    send(lab, package)
    text = stages(lab.client.until(rb"\r\nRDY\r\n"))
    downloads = " ".join(f"DOWNLOADING,{number}" for number in range(1, 51))
    assert text.startswith(f"FILESTART {downloads} FILEEND,0 START UPDATING,")
    assert text.endswith("END,0")
    assert lab.truth().version == "V2"


def test_a_package_that_does_not_come_whole_over_the_serial_line_is_told(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "EC200U")
    lab.client.write(b'AT+QFOTADL="FILE:5000"\r')
    lab.client.until(rb"\r\nCONNECT\r\n")
    lab.client.write(b"x" * 1000)
    lab.step(120)
    assert stages(lab.client.until(rb"FILEEND[^\r]*\r\n")) == "FILESTART FILEEND,500"
    assert lab.truth().boots == 1


def send(lab: Lab, data: bytes) -> None:
    """The bytes, as fast as the port takes them."""
    for at in range(0, len(data), 2048):
        lab.client.write(data[at : at + 2048])
        lab.wait(lab.clock.step(0.01))


def put_file(lab: Lab, name: str, content: bytes) -> bytes:
    """AT+QFUPL; returns what came after CONNECT."""
    lab.client.write(f'AT+QFUPL="{name}",{len(content)},5,1\r'.encode())
    lab.client.until(rb"\r\nCONNECT\r\n")
    send(lab, content)
    return lab.client.until(rb"\r\nOK\r\n")


@pytest.mark.parametrize(
    ("model", "name", "command", "text"),
    [
        ("EC25", "dfota.bin", '="/cache/ufs/dfota.bin"', r"START (UPDATING,\d+ )+END,0"),
        ("BG95-M3", "update.zip", "=1", r"START (UPDATING,\d+% )+(RESTORE,\d+% )+END,0"),
    ],
)
def test_a_package_is_installed_from_the_file_system(
    make_lab: Callable[..., Lab], model: str, name: str, command: str, text: str
) -> None:
    lab = up(make_lab, model)
    package = make("V2", model)
    answer = put_file(lab, name, package)
    assert answer.count(b"A") >= len(package) // 1024
    assert answer.endswith(f"\r\n+QFUPL: {len(package)},{checksum(package):x}\r\n\r\nOK\r\n".encode())
    assert lab.client.ok("AT+QFLST") == f'+QFLST: "UFS:{name}",{len(package)}'.encode()
    lab.client.ok(f"AT+QFOTADL{command}")
    told = stages(lab.client.until(rb"\r\nRDY\r\n"))
    assert re.fullmatch(text, told), told
    assert lab.truth().version == "V2"


def test_the_file_can_be_listed_read_and_deleted_and_survives_a_power_cycle(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "EC25")
    content = bytes(range(256)) * 10 + b"OK\r\n\x00+QIND"
    put_file(lab, "UFS:a.bin", content)
    lab.power(False)
    lab.client.drain()
    lab.power(True, 3.8)
    lab.client.until(LTE)
    assert lab.client.ok('AT+QFLST="*"') == f'+QFLST: "UFS:a.bin",{len(content)}'.encode()
    lab.client.write(b'AT+QFDWL="a.bin"\r')
    lab.client.until(rb"\r\nCONNECT\r\n")
    assert lab.client.take(len(content)) == content
    lab.client.until(re.escape(f"\r\n+QFDWL: {len(content)},{checksum(content):x}\r\n\r\nOK\r\n".encode()))
    free, total = lab.client.ok("AT+QFLDS").removeprefix(b"+QFLDS: ").split(b",")
    assert int(total) - int(free) == len(content)
    assert b"ERROR" in lab.client.command('AT+QFDEL="b.bin"')
    lab.client.ok('AT+QFDEL="a.bin"')
    assert lab.client.ok("AT+QFLST") == b""
    assert b"ERROR" in lab.client.command('AT+QFDWL="a.bin"')


def test_no_upgrade_disturbs_another(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC200U")
    lab.on_loop(lambda: lab.clock.set_speed(1))
    start(lab, platform, make("V2", "EC200U", 200_000))
    assert lab.client.command(f'AT+QFOTADL="{platform.url}/package.bin"') == b"\r\nERROR\r\n"
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    assert stages(lab.client.until(rb"\r\nRDY\r\n")).endswith("END,0")
    assert lab.truth().version == "V2"


def test_a_small_module_restarts_four_times_and_counts_in_two_halves(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = up(make_lab, "EC800K")
    start(lab, platform, make("V2", "EC800K", 200_000))
    shown = [int(value) for value in re.findall(rb"UPDATING\",(\d+)", lab.client.until(rb"\r\nRDY\r\n"))]
    assert (shown[0], shown[10], shown[-1]) == (7, 47, 98)
    assert all(later > sooner for sooner, later in itertools.pairwise(shown))
    assert 60 <= min(value for value in shown if value > 47) <= 64
    assert lab.truth().boots == 1 + 4
    assert lab.truth().version == "V2"


#: When the power goes (the line that is waited for), and what may come after it: the families' guides, and our boot loader.
CUTS = {
    ("EC200U", "START"): r"START (UPDATING,\d+ )+END,0",
    ("EC200U", "UPDATING"): r"START (UPDATING,\d+ )*END,0",
    ("EC200U", "END"): r"(START (UPDATING,\d+ )*END,0)?",
    ("EC25", "START"): r"START (UPDATING,\d+ )+END,0",
    ("EC25", "UPDATING"): r"START (UPDATING,\d+ )*END,0",
    ("EC25", "END"): r"(START (UPDATING,\d+ )*END,0)?",
    ("BG95-M3", "START"): r"START (UPDATING,\d+% )+(RESTORE,\d+% )+END,0",
    ("BG95-M3", "UPDATING"): r"START (UPDATING,\d+% )+(RESTORE,\d+% )+END,0",
    ("BG95-M3", "RESTORE"): r"Last upgrade was not finished,continue upgrade (RESTORE,\d+% )+END,0",
    ("BG95-M3", "END"): r"(Last upgrade was not finished,continue upgrade (RESTORE,\d+% )*END,0)?",
    ("EC800K", "UPDATING"): r"END,504",
}


@pytest.mark.parametrize(("model", "stage"), CUTS)
def test_a_cut_at_any_stage_is_mended_as_the_family_says(
    make_lab: Callable[..., Lab], platform: FakePlatform, model: str, stage: str
) -> None:
    lab = up(make_lab, model)
    lab.on_loop(lambda: lab.clock.set_speed(20))
    start(lab, platform, make("V2", model, 100_000))
    lab.client.until(rb'FOTA","' + stage.encode() + rb'"[^\r]*\r\n')
    lab.power(False)
    lab.client.drain()
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    lab.power(True, 3.8)
    told = stages(lab.client.until(rb"\r\nRDY\r\n"))
    assert re.fullmatch(CUTS[model, stage], told), told
    lab.client.until(LAST[model])
    lab.step(6)
    expected = "V1" if model == "EC800K" else "V2"  # MiniFOTA: back to the old system until the first file is matched
    assert lab.client.ok("AT+CGMR").decode() == expected
    again = "V3" if expected == "V2" else "V2"
    start(lab, platform, make(again, model))
    assert stages(lab.client.until(rb"\r\nRDY\r\n")).endswith("END,0")
    assert lab.truth().version == again


def test_after_the_fifth_attempt_the_backup_is_restored(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC25")
    lab.on_loop(lambda: lab.clock.set_speed(20))
    start(lab, platform, make("V2", "EC25", 100_000))
    for _ in range(5):
        lab.client.until(rb'FOTA","START"\r\n')
        lab.power(False)
        lab.client.drain()
        lab.power(True, 3.8)
    assert stages(lab.client.until(rb"\r\nRDY\r\n")) == "START END,502"
    assert lab.truth().version == "V1"


def test_mode_1_says_that_it_begins_before_the_restart_and_mode_0_after_it(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = up(make_lab, "EC200U")
    for mode, boot_seconds in ((0, 2.0), (1, 0.0)):
        lab.on_loop(lambda: lab.clock.set_speed(10))
        start(lab, platform, make(f"V{2 + mode}", "EC200U"), f",{mode}")
        lab.client.until(rb'"HTTPEND",0\r\n')
        ended = lab.on_loop(lab.clock.now)
        lab.client.until(rb'"START"\r\n')
        assert lab.on_loop(lab.clock.now) - ended == pytest.approx(boot_seconds, abs=0.9)
        lab.on_loop(lambda: lab.clock.set_speed("max"))
        assert b"START" not in lab.client.until(rb"\r\nRDY\r\n")
        lab.client.until(LTE)
        lab.step(6)


@pytest.mark.parametrize(
    ("defect", "told"),
    [
        ("dfota-skips-start", r"HTTPSTART (DOWNLOADING,\d+ )+HTTPEND,0 (UPDATING,\d+ )+END,0"),
        ("dfota-false-end", r"HTTPSTART (DOWNLOADING,\d+ )+HTTPEND,0 START END,0"),
    ],
)
def test_defects_of_the_classic_way(
    make_lab: Callable[..., Lab], platform: FakePlatform, defect: str, told: str
) -> None:
    lab = up(make_lab, "EC200U", defects=[defect])
    start(lab, platform, make("V2", "EC200U") if defect == "dfota-skips-start" else make("V2", "EC25"))
    text = stages(lab.client.until(rb"\r\nRDY\r\n"))
    assert re.fullmatch(told, text), text


def test_a_failed_download_that_is_hidden(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = up(make_lab, "EC200U", defects=["dfota-hides-failure"])
    lab.client.ok(f'AT+QFOTADL="{platform.url}/none.bin"')
    assert stages(lab.client.until(rb"HTTPEND[^\r]*\r\n")) == "HTTPSTART HTTPEND,0"
    assert lab.truth().boots == 1


@contextlib.contextmanager
def one_reply(reply: bytes) -> Iterator[int]:
    """A server that says one thing to the first who comes, and hangs up; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            listener.settimeout(5)
            connection, _ = listener.accept()
            with connection:
                connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()
