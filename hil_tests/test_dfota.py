"""Classic upgrade without the platform (AT+QFOTADL): OTA-15, and what a cut in it leaves: PWR-09.

What the module's family does comes from its model's data; of a way it has not, the test says so and skips. The servers are on this
machine, where only a virtual module can reach them.
"""

from __future__ import annotations

import functools

import pytest
from package_servers import WAYS, can_serve, serving

from pytest_quecfota import one_of, repeated, sequence, urc, where

pytestmark = [pytest.mark.needs("virtual"), pytest.mark.module_time("90 min")]

stage = functools.partial(where, urc.Dfota)
INSTALL = "45 min"
UPLOAD = "10 min"
#: Results of a download by the word it ends with (LTE Standard(A) DFOTA guide V1.5).
DOWNLOAD_RESULTS = {"HTTP": range(701, 731), "HTTPS": range(701, 731), "FTP": range(601, 630)}


@pytest.fixture
def classic(module):
    """What is known of the module's AT+QFOTADL."""
    if module.model.classic is None:
        pytest.skip(f"nothing is known of AT+QFOTADL on {module.model.name}")
    return module.model.classic


@pytest.fixture
def online(module):
    """On the network: connected once, then left alone."""
    module.connect(mode=1)
    module.disconnect()


@pytest.fixture
def serve(tmp_path, classic):
    """Put a package on a server of this machine, in as many files as the family takes; gives its address."""
    folder = tmp_path / "packages"
    folder.mkdir()
    servers = []

    def put(content, way="http"):
        if way not in classic.ways:
            pytest.skip(f"AT+QFOTADL of the {classic.family} family does not know {way}")
        if not can_serve(way):
            pytest.skip(f"this machine cannot serve {way}: no openssl")
        if content is not None:
            size = -(-len(content) // len(classic.parts))
            for index, ending in enumerate(classic.parts):
                (folder / f"package{ending}").write_bytes(content[index * size : (index + 1) * size])
        servers.append(serving(folder, way))
        return f"{servers[-1].__enter__()}/package"

    yield put
    for server in servers:
        server.__exit__(None, None, None)


def words(module, way):
    """How the way is spelt in START and END of a download."""
    plain = {"http": "HTTP", "ftp": "FTP"}.get(way, "HTTP")
    return "HTTPS" if way == "https" and module.model.options.dfota_https_words == "https" else plain


def installation(classic):
    """What comes after the download: the family's stages, then the start."""
    due = [
        repeated(stage(stage=name)) if name in {"UPDATING", "RESTORE"} else stage(stage=name) for name in classic.stages
    ]
    if "END" in classic.stages:
        due[-1] = stage(stage="END", value=0)
    return (*due, urc.Ready)


def expect_installed(module, events, classic, mark, *begun):
    """The whole sequence came, and the module answers."""
    events.expect(sequence(*begun, *installation(classic)), within=INSTALL, since=mark)
    module.wait_ready(since=mark)


@pytest.mark.requirement("OTA-15")
@pytest.mark.parametrize("way", WAYS)
def test_package_is_downloaded_and_installed(rig, module, events, classic, serve, online, way):
    """The +QIND lines come in their order, END says 0, and the package's version runs."""
    target = rig.firmware.other_version(module.firmware_version())
    url = serve(rig.firmware.image(target), way)
    mark = events.mark()
    module.classic_update(url)
    word = words(module, way)
    begun = (stage(stage=f"{word}START"), stage(stage=f"{word}END", value=0))
    expect_installed(module, events, classic, mark, *begun)
    assert module.firmware_version() == target


@pytest.mark.requirement("OTA-15")
def test_package_comes_over_the_serial_line(rig, module, events, classic):
    """FILE:<length> takes the package from the serial line: FILESTART, progress, FILEEND 0, then as any other."""
    if "upload" not in classic.ways:
        pytest.skip(f"AT+QFOTADL of the {classic.family} family takes no package from the serial line")
    target = rig.firmware.other_version(module.firmware_version())
    package = rig.firmware.image(target)
    mark = events.mark()
    module.timeline.announce_restart("classic update")
    module.client.command(f'AT+QFOTADL="FILE:{len(package)}"', UPLOAD, prompt_data=package)
    progress = repeated(stage(stage="DOWNLOADING"))
    begun = (stage(stage="FILESTART"), progress, stage(stage="FILEEND", value=0))
    expect_installed(module, events, classic, mark, *begun)
    assert module.firmware_version() == target


@pytest.mark.requirement("OTA-15")
def test_package_is_installed_from_a_file_in_the_module(rig, module, events, classic):
    """A file put into the module with AT+QFUPL is listed and installed; there is no download to tell of."""
    source = {"path": '"UFS:package.bin"', "fixed": "1"}.get(next(iter({"path", "fixed"} & set(classic.ways)), ""))
    if source is None:
        pytest.skip(f"AT+QFOTADL of the {classic.family} family installs from no file in the module")
    name = "package.bin" if source.startswith('"') else "update.zip"
    target = rig.firmware.other_version(module.firmware_version())
    package = rig.firmware.image(target)
    module.client.command(f'AT+QFUPL="{name}",{len(package)},60', UPLOAD, prompt_data=package)
    assert module.at("AT+QFLST").values[-1] == len(package)
    mark = events.mark()
    module.timeline.announce_restart("classic update")
    module.at(f"AT+QFOTADL={source}")
    expect_installed(module, events, classic, mark)
    assert not events.seen(one_of(stage(stage="HTTPSTART"), stage(stage="FILESTART")), since=mark)
    assert module.firmware_version() == target


@pytest.mark.requirement("OTA-15", "OTA-09")
@pytest.mark.parametrize("what", ["damaged", "another-model"])
def test_wrong_package_ends_with_a_documented_code(rig, module, events, classic, serve, online, what):
    """END names a failure of the family's table, and the old version runs on."""
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    image = rig.firmware.image(target, model=None if what == "damaged" else "BC25")
    package = image[:-1] + bytes([image[-1] ^ 0xFF]) if what == "damaged" else image
    mark = events.mark()
    module.classic_update(serve(package))
    if "END" in classic.stages:
        end = events.expect(stage(stage="END"), within=INSTALL, since=mark).urcs[-1]
        assert end.value in classic.results
    events.expect(urc.Ready, within=INSTALL, since=mark)
    module.wait_ready(since=mark)
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-15")
@pytest.mark.parametrize("way", ["http", "ftp"])
def test_missing_package_ends_with_a_documented_code(module, events, classic, serve, online, way):
    """The end of the download names a failure of the guides' tables, nothing is installed, and the module does not restart."""
    running = module.firmware_version()
    word = words(module, way)
    url = serve(None, way)
    mark = events.mark()
    module.classic_update(url)
    end = events.expect(stage(stage=f"{word}END"), within="5 min", since=mark).urcs[-1]
    assert end.value in (classic.download_results or DOWNLOAD_RESULTS[word])
    events.expect_none(one_of(stage(stage="START"), urc.Ready), during="10 s")
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-15")
@pytest.mark.parametrize("source", ['""', '"gopher://127.0.0.1/x"', '"http:"', "2", "too-long"])
def test_what_is_no_source_of_a_package_is_refused(module, classic, source):
    """An address the family cannot take answers ERROR, and nothing begins."""
    if source == "too-long":
        source = '"http://127.0.0.1/' + "x" * classic.longest_url + '"'
    with pytest.raises(AssertionError, match="ERROR"):
        module.at(f"AT+QFOTADL={source}")


#: Where the power goes, and module seconds after that line. A family without a stage has nothing to cut there.
CUTS = {"START": 0.1, "UPDATING": 0.3, "RESTORE": 0.3, "END": 0.01}


@pytest.mark.requirement("PWR-09", "PWR-03")
@pytest.mark.needs("cuts")
@pytest.mark.parametrize("at", CUTS)
def test_cut_in_the_installation_restores_or_continues(rig, module, events, classic, serve, online, brownout, at):
    """After a cut at this line the module comes back by itself as its guide says, and the next classic upgrade succeeds."""
    if at not in classic.stages:
        pytest.skip(f"AT+QFOTADL of the {classic.family} family prints no {at}")
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    url = serve(rig.firmware.image(target))
    mark = events.mark()
    with brownout(at=stage(stage=at), after=CUTS[at], waveform="cut-500ms") as cut:
        module.classic_update(url)
        events.expect(stage(stage=at), within=INSTALL, since=mark)
        events.expect(urc.Ready, within=INSTALL, since=mark)
    assert cut.fired == 1
    module.wait_ready(since=mark)
    after = module.firmware_version()
    assert after in {running, target}
    told = [u for u in events.seen(urc.Dfota, since=mark) if u.stage == "END"]
    assert after == target or not any(u.value == 0 for u in told), "END said 0, yet the old version runs on (PWR-04)"
    if classic.after_cut in {"continues", "restores"}:
        assert after == target, f"the {classic.family} guide says that it goes on"
    if classic.after_cut == "goes-back" and at == "UPDATING":
        assert after == running, f"the {classic.family} guide says that it goes back"
    module.connect(mode=1)
    module.disconnect()
    again = rig.firmware.other_version(after)
    mark = events.mark()
    module.classic_update(serve(rig.firmware.image(again)))
    expect_installed(module, events, classic, mark)
    assert module.firmware_version() == again


@pytest.mark.requirement("PWR-09")
@pytest.mark.needs("cuts")
def test_cut_of_a_family_that_tells_nothing_leaves_source_or_target(
    rig, module, events, classic, serve, online, brownout
):
    """Where the module restarts without a word (no START, no END), a cut right after the download leaves one of two versions."""
    if classic.stages:
        pytest.skip(
            f"AT+QFOTADL of the {classic.family} family tells its stages; the cuts at each of them are the test"
        )
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    mark = events.mark()
    with brownout(at=stage(stage="HTTPEND"), after=1.0, waveform="cut-500ms") as cut:
        module.classic_update(serve(rig.firmware.image(target)))
        events.expect(sequence(stage(stage="HTTPEND", value=0), urc.Ready), within=INSTALL, since=mark)
    assert cut.fired == 1
    module.wait_ready(since=mark)
    assert module.firmware_version() in {running, target}
