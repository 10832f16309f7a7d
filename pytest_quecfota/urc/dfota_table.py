"""Stages and result codes of the classic upgrade (AT+QFOTADL).

Pure data for `urc.explain`. Sources: Quectel LTE Standard(A) DFOTA guide V1.5 (`A`), EP06 guide V1.0 (`EP06`),
EC2x/EG9x guide V1.0 (`9607`), BG96 guide V1.0; a BC660K forum thread (`BC660K`), an EG18 write-up for the HTTPS words.
"""

from __future__ import annotations

STAGES: dict[str, str] = {
    "HTTPSTART": "the download over HTTP(S) starts",
    "HTTPSSTART": "the download over HTTPS starts (spelt so by EG18)",
    "FTPSTART": "the download over FTP starts",
    "FILESTART": "the package is taken from the file system or the serial line",
    "DOWNLOADING": "the package is being downloaded",
    "HTTPEND": "the download over HTTP(S) ended",
    "HTTPSEND": "the download over HTTPS ended (spelt so by EG18)",
    "FTPEND": "the download over FTP ended",
    "FILEEND": "taking the package ended",
    "START": "the module restarted and begins to install",
    "UPDATING": "the new firmware is being installed",
    "RESTORE": "the module rewrites its firmware; a power cut here is made up for",
    "END": "the upgrade ended",
    "Last upgrade was not finished,continue upgrade": "power failed during RESTORE; the module goes on with it",
}

PROGRESS = frozenset({"DOWNLOADING", "UPDATING", "RESTORE"})
"""Stages whose value is in per cent."""

# fmt: off
FTP_RESULTS: dict[int, str] = {
    0: "good", 601: "unknown error", 602: "blocked", 603: "busy", 604: "DNS failed", 605: "network failed",
    606: "control connection closed", 607: "data connection closed", 608: "closed by the peer", 609: "timed out",
    610: "invalid parameter", 611: "opening the file failed", 612: "invalid path", 613: "file error",
    614: "service unavailable", 615: "opening the data connection failed",
    616: "connection closed and transfer aborted", 617: "no such file", 618: "local error", 619: "out of memory",
    620: "unknown command", 621: "syntax error in the argument", 622: "not implemented",
    623: "bad sequence of commands", 624: "argument not implemented", 625: "login failed", 626: "account needed",
    627: "request not performed", 628: "unknown page type", 629: "request aborted",
}
HTTP_RESULTS: dict[int, str] = {
    0: "good", 12: "the download failed after about two minutes (BC660K)", 701: "unknown error",
    702: "timed out", 703: "busy", 704: "serial line busy",
    705: "no request", 706: "network busy", 707: "opening the network failed", 708: "no configuration",
    709: "network deactivated", 710: "network error", 711: "URL error", 712: "empty URL", 713: "invalid address",
    714: "DNS failed", 715: "creating the socket failed", 716: "connecting failed", 717: "reading failed",
    718: "writing failed", 719: "closed", 720: "encoding failed", 721: "decoding failed", 722: "reading timed out",
    723: "the response says failure", 724: "incoming call", 725: "voice call", 726: "input timed out",
    727: "waiting for data timed out", 728: "waiting for the response timed out", 729: "out of memory",
    730: "invalid parameter",
}
# fmt: on
FILE_RESULTS: dict[int, str] = {0: "good", 500: "taking the file failed"}
END_RESULTS: dict[int, str] = {
    0: "good",
    1: "writing the backup area failed (9607)",
    501: "the package cannot be unpacked, or no space to unpack it (9607)",
    502: "the process exited (EP06, 9607)",
    504: "the upgrade failed (A); an error of the package file (EP06)",
    505: "checking the package failed (A); an error of the package file (EP06)",
    506: "the MD5 of the firmware does not match",
    507: "the package is for another version",
    510: "the patch does not match the source file (EP06); checking the file failed (9607)",
    511: "no space in the file system",
    552: "the package is for another project",
    553: "the package is for another baseline",
    **dict.fromkeys((*range(520, 531), *range(540, 547)), "the upgrade failed (EP06)"),
}

RESULTS: dict[str, dict[int, str]] = {
    "HTTPEND": HTTP_RESULTS,
    "HTTPSEND": HTTP_RESULTS,
    "FTPEND": FTP_RESULTS,
    "FILEEND": FILE_RESULTS,
    "END": END_RESULTS,
}

CAUSES: dict[int, str] = {
    504: "a damaged or wrong package; install the former version again and repeat",
    505: "a damaged or wrong package",
    506: "the package was made for another build than the one that runs",
    507: "the running version is not the package's source version; look at AT+QGMR",
    510: "the running version is not the package's source version; look at AT+QGMR",
    511: "delete files: AT+QFLST, AT+QFDEL",
    552: "a package of another model",
    553: "a package of another branch of the firmware",
    608: 'the server closed; on EC200U also a path without colon: AT+QCFG="fota/path","UFS:"',
    701: "no data session; look at AT+CGATT? and AT+QIACT?",
    702: "weak signal, or the network was lost",
    711: "the URL is longer than the guide allows, or misspelt",
    714: "the server's name is wrong, or no DNS server is set",
    716: "the server's port is closed, or a firewall is between",
}


def result(stage: str, value: int) -> str:
    """The meaning of a result code. A code of another table counts too: modules print FTP codes in HTTPEND."""
    for table in (RESULTS.get(stage, {}), HTTP_RESULTS, FTP_RESULTS, FILE_RESULTS, END_RESULTS):
        if value in table:
            return table[value]
    return "not documented"
