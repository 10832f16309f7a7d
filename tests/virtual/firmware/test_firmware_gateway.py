"""Sub-devices behind a gateway, positions, collected data, upgrades over HTTP: forms, refusals, events (cellular only)."""

import base64
from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab, make

ERROR = b"\r\nERROR\r\n"
SUB = '"sub-pk","123"'
EVENT = rb'\+QIOTSUBEVT: "sub-pk","123",'


@pytest.fixture
def cellular(make_lab: Callable[..., Lab]) -> Lab:
    """An EC200U with all there is, connected."""
    lab = make_lab("EC200U", profile={"sdk": "2.19.0"})
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")
    lab.online()
    return lab


@pytest.fixture
def joined(cellular: Lab) -> Lab:
    """The same, with one sub-device."""
    cellular.client.ok('AT+QIOTSUBCONN=0,60,"sub-pk","sub-ps","123","secret"')
    cellular.client.until(EVENT + rb"2,10200\r\n")
    return cellular


FORMS = {
    "AT+QIOTSUBCONN=?": "+QIOTSUBCONN: <sessionType>,<lifetime>,<subPK>,<subPS>,<subDK>[,<subDS>]",
    "AT+QIOTSUBDISCONN=?": "+QIOTSUBDISCONN: <subPK>,<subDK>[,<subPS>,<subDS>]",
    "AT+QIOTSUBSEND=?": "+QIOTSUBSEND: <subPK>,<subDK>,(1-1024),<data>",
    "AT+QIOTSUBRD=?": "+QIOTSUBRD: <subPK>,<subDK>,(1-1024)",
    "AT+QIOTSUBTSLTD=?": "+QIOTSUBTSLTD: <subPK>,<subDK>,<length>,(1-65534)",
    "AT+QIOTSUBTSLRD=?": "+QIOTSUBTSLRD: <subPK>,<subDK>,(1-1024)",
    "AT+QIOTSUBHTB=?": "+QIOTSUBHTB: <subPK>,<subDK>",
    "AT+QIOTSUBDEVINFO=?": "+QIOTSUBDEVINFO: <subPK>,<subDK>,<subVer>",
    "AT+QIOTSUBLOC=?": "+QIOTSUBLOC: <subPK>,<subDK>,<NMEA>[,<NMEA>,...]",
    "AT+QIOTSUBOTAREQ=?": "+QIOTSUBOTAREQ: <subPK>,<subDK>,<subVer>,<info>",
    "AT+QIOTSUBOTAUPDATE=?": "+QIOTSUBOTAUPDATE: <subPK>,<subDK>,<subVer>,<action>",
    "AT+QIOTSUBOTARD=?": "+QIOTSUBOTARD: <subPK>,<subDK>,<startAddr>,<dataLen>",
    "AT+QIOTLOCIN=?": "+QIOTLOCIN: (0,1),<mode1>[,<mode2>[,...]]",
    "AT+QIOTLOCIN?": '+QIOTLOCIN: "AUTO","LBS"',
    "AT+QIOTLOCEXT=?": "+QIOTLOCEXT: <NMEA>[,<NMEA>[,...]]",
    "AT+QIOTDATACOLLTX=?": "+QIOTDATACOLLTX: (0-1),(0-1048576),(1-1024)",
}
REFUSED = [
    'AT+QIOTSUBCONN=2,60,"p","s","d"',
    'AT+QIOTSUBCONN=0,65536,"p","s","d"',
    'AT+QIOTSUBCONN=0,60,"","s","d"',
    'AT+QIOTSUBCONN=0,60,"p","s"',
    'AT+QIOTSUBCONN=0,60,"p","s",5',
    "AT+QIOTSUBCONN",
    f"AT+QIOTSUBDISCONN={SUB}",
    f"AT+QIOTSUBHTB={SUB}",
    f'AT+QIOTSUBDEVINFO={SUB},"1"',
    f"AT+QIOTSUBSEND={SUB},5",
    f"AT+QIOTSUBRD={SUB},5",
    f'AT+QIOTSUBLOC={SUB},"$GPGGA"',
    f'AT+QIOTSUBOTAREQ={SUB},"1",4',
    f'AT+QIOTSUBOTAREQ={SUB},"1",0',
    f"AT+QIOTSUBOTARD={SUB},0,5",
    'AT+QIOTLOCIN=2,"AUTO"',
    'AT+QIOTLOCIN=0,"GPS"',
    "AT+QIOTLOCIN=0",
    'AT+QIOTLOCEXT="GPGGA"',
    "AT+QIOTDATACOLLTX=2,0,5",
    "AT+QIOTDATACOLLTX=0,1048577,5",
    "AT+QIOTDATACOLLTX=0,0,1025",
    'AT+QHOTAREQ=30,0,"pk"',
    'AT+QHOTAREQ=101,0,"pk","ps"',
    'AT+QHOTAREQ=30,0,"pk","wrong"',
    'AT+QFOTAUP=30,0,"pk","ps"',
]


def test_each_form_is_answered_and_all_else_refused(cellular: Lab) -> None:
    for command, information in FORMS.items():
        assert cellular.client.ok(command).decode() == information, command
    for command in REFUSED:
        assert cellular.client.command(command) == ERROR, command


def test_a_narrow_band_module_and_an_older_one_have_none_of_it(lab: Lab) -> None:
    from pytest_quecfota.virtual.firmware.tables import commands_of
    from pytest_quecfota.virtual.models import load

    for command in FORMS:
        assert lab.client.command(command) == ERROR, command
    since = {"2.5.0": 0, "2.6.1": 2, "2.8.3": 2, "2.9.0": 10, "2.9.2": 11, "2.18.0": 12, "2.19.0": 15}
    names = {command[2:].rstrip("=?") for command in FORMS}
    for sdk, count in since.items():
        have = commands_of(load("EC200U", overrides={"sdk": sdk}))
        assert len(names & set(have)) == count, sdk
        assert ("+QFOTAUP" in have) == (sdk in ("2.8.3", "2.9.0"))
        assert ("+QHOTAREQ" in have) == (sdk >= "2.9.2" or len(sdk) == 6)


def test_a_sub_device_joins_with_a_secret_of_its_own_and_leaves(cellular: Lab) -> None:
    client = cellular.client
    client.ok('AT+QIOTSUBCONN=0,60,"sub-pk","sub-ps","123"')
    assert client.until(EVENT + rb'1,10200,"[0-9a-f]{32}"\r\n')
    client.until(EVENT + rb"2,10200\r\n")
    client.ok('AT+QIOTSUBCONN=0,60,"sub-pk","sub-ps","123"')
    client.until(EVENT + rb"2,10441\r\n")
    client.ok(f"AT+QIOTSUBDISCONN={SUB}")
    client.until(EVENT + rb"6,10201\r\n")
    assert client.command(f"AT+QIOTSUBHTB={SUB}") == ERROR


def test_data_goes_both_ways(joined: Lab, platform: FakePlatform) -> None:
    client = joined.client
    client.ok(f'AT+QIOTSUBSEND={SUB},9,"123456ABC"')
    client.until(EVENT + rb"4,10200\r\n")
    client.write(f"AT+QIOTSUBTSLTD={SUB},17\r".encode())
    client.until(rb"> ")
    client.write(b'{"1":true,"2":30}')
    client.until(EVENT + rb"4,10210\r\n")
    message = {"type": "data", "sub": ["sub-pk", "123"], "channel": "model"}
    platform.push({**message, "payload": base64.b64encode(b'{"1":true}').decode()})
    assert client.until(EVENT + rb'5,10210,10\r\n\{"1":true\}\r\n')
    client.ok("AT+QIOTREG=0")
    client.until(rb"6,10200\r\n")
    assert client.command(f"AT+QIOTSUBHTB={SUB}") == ERROR


def test_buffered_data_of_a_sub_device_is_read_in_pieces(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab("EC200U")
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")
    lab.client.ok('AT+QIOTCFG="buffer",1')
    lab.client.ok('AT+QIOTCFG="txid_mode",1')
    lab.online()
    lab.client.ok('AT+QIOTSUBCONN=0,60,"sub-pk","sub-ps","123","s"')
    lab.client.until(EVENT + rb"2,10200\r\n")
    message = {"type": "data", "sub": ["sub-pk", "123"], "channel": "passthrough"}
    platform.push({**message, "payload": base64.b64encode(b"123456ABC").decode()})
    lab.client.until(EVENT + rb"5,10200\r\n")
    assert lab.client.ok("AT+QIOTSUBRD?") == f"+QIOTSUBRD: {SUB},1".encode()
    assert lab.client.ok(f"AT+QIOTSUBRD={SUB},6") == f"+QIOTSUBRD: {SUB},6,3,0\r\n123456".encode()
    assert lab.client.ok(f"AT+QIOTSUBRD={SUB}") == f"+QIOTSUBRD: {SUB},1".encode()
    assert lab.client.ok(f"AT+QIOTSUBRD={SUB},512") == f"+QIOTSUBRD: {SUB},3,0,0\r\nABC".encode()
    assert lab.client.command(f"AT+QIOTSUBRD={SUB},512") == ERROR
    assert lab.client.ok(f'AT+QIOTSUBSEND={SUB},2,"ab"') == f"+QIOTSUBSEND: {SUB},1".encode()
    lab.client.until(EVENT + rb"4,10200,1\r\n")


def test_a_missing_heartbeat_ends_the_session(joined: Lab) -> None:
    joined.step(50)
    joined.client.ok(f"AT+QIOTSUBHTB={SUB}")
    joined.step(50)
    assert b"10473" not in joined.client.drain()
    joined.step(15)
    joined.client.until(EVENT + rb"2,10473\r\n")
    assert joined.client.command(f"AT+QIOTSUBHTB={SUB}") == ERROR


def test_version_position_and_request_of_a_sub_device(joined: Lab, platform: FakePlatform) -> None:
    client = joined.client
    client.ok(f'AT+QIOTSUBDEVINFO={SUB},"1_0_0"')
    client.ok(f'AT+QIOTSUBLOC={SUB},"$GPGGA,042523.0,3413.61,N,*78"')
    client.until(EVENT + rb"4,10220\r\n")
    client.ok(f'AT+QIOTSUBOTAREQ={SUB},"1_0_0",0')
    assert client.command(f'AT+QIOTSUBOTAUPDATE={SUB},"1_0_0",1') == ERROR
    assert client.command(f"AT+QIOTSUBOTARD={SUB},0,5") == ERROR
    platform.refuse["/report"] = (500, 10500)
    client.ok(f'AT+QIOTSUBLOC={SUB},"$GPGGA"')
    client.until(EVENT + rb"4,10320\r\n")


def test_positions_and_collected_data_are_told(cellular: Lab, platform: FakePlatform) -> None:
    client = cellular.client
    for command in ('AT+QIOTLOCIN=0,"AUTO"', 'AT+QIOTLOCIN=1,"AUTO","LBS"', 'AT+QIOTLOCEXT="$GPGGA,1*78"'):
        client.ok(command)
        client.until(rb"\+QIOTEVT: 4,10220\r\n")
    for ends, told in ((0, rb"\+QIOTEVT: 30,0,7\r\n"), (1, rb"\+QIOTEVT: 30,0,7\r\n\r\n\+QIOTEVT: 30,20\r\n")):
        client.write(f"AT+QIOTDATACOLLTX={ends},7,5\r".encode())
        client.until(rb"> ")
        client.write(b"O\x00K\r\n")
        client.until(told)
    platform.refuse["/report"] = (500, 10500)
    client.ok('AT+QIOTLOCIN=0,"LBS"')
    client.until(rb"\+QIOTEVT: 4,10320\r\n")
    client.ok("AT+QIOTREG=0")
    client.until(rb"6,10200\r\n")
    client.write(b"AT+QIOTDATACOLLTX=0,7,5\r")
    client.until(rb"> ")
    client.write(b"12345")
    client.until(rb"\+QIOTEVT: 30,10\r\n")
    assert client.command('AT+QIOTLOCEXT="$GPGGA"') == ERROR


def test_an_upgrade_is_asked_for_over_http_too(cellular: Lab, platform: FakePlatform) -> None:
    platform.offer("EC200U", "V2", make("V2", "EC200U"))
    cellular.client.ok('AT+QHOTAREQ=30,0,"pk","ps"')
    cellular.client.until(rb"7,10700[^\r]*\r\n")
