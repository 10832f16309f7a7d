"""The other end of the line: a process that plays the module, the same one for every contender. Standard library only.

It makes a pty, prints its name as JSON, and answers each `GO` of the contender with what its task says: a flood of log lines
with URCs in it, one URC after a pause, or silence. Blocks of lines are built beforehand and written by one system call
each, so the line is as fast as the reader. When the contender is done it prints what it sent, with the times (seconds of
CLOCK_MONOTONIC, which all processes of a machine share).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
import time
import tty

LAST = b"+QIOTEVT: 7,10703\r\n"
"""The line that ends every task: the package is complete."""

LINES_PER_BLOCK = 100
"""One URC ends each block."""

_LOG = (
    b"[%010d] D/lwip: tcp_output: snd_wnd 2920, cwnd 5840, wnd 1460, effwnd 1460, seq",
    b"[%010d] I/nas: EMM state REGISTERED.NORMAL-SERVICE, T3412 running, cause none",
    b"%010d APP heap free 81232 min 60144 largest 40960 blocks 113 fragmentation 12",
    b"E%010d rf_drv: agc idx 14 rssi -1012 snr 187 earfcn 2506 pci 301 rsrq -108 ok",
    b"OTA: %010d store write page ok sector erased crc verified bytes remaining 4096",
    b"(%010d) coap: token 0x7f12 mid 40211 code 2.31 block 17 szx 6 retransmit 0 ok",
    b"sys %010d: task idle 87 pct, modem sleep 0, uart rx 0 tx 4411 dropped 0 err 0",
)
_SHORT = (b"D %06d", b"E%06d", b"log%05d")
_URCS = (
    b"+QIOTEVT: 7,10702",
    b'+QIND: "FOTA","DOWNLOADING",%d',
    b"+CEREG: 5",
    b"+QIOTEVT: 7,10702",
    b"+QIOTEVT: 4,10200",
)


def blocks(kind: str, count: int = 50) -> list[bytes]:
    """`count` different blocks of `LINES_PER_BLOCK` lines, the last line of each a URC. `kind`: log (80 bytes a line) or short."""
    templates = _LOG if kind == "log" else _SHORT
    return [_block(templates, _URCS[number % len(_URCS)], number) for number in range(count)]


def _block(templates: tuple[bytes, ...], announced: bytes, number: int) -> bytes:
    first = number * LINES_PER_BLOCK
    lines = [templates[at % len(templates)] % at for at in range(first, first + LINES_PER_BLOCK - 1)]
    lines.append(announced % number if b"%d" in announced else announced)
    return b"".join(line + b"\r\n" for line in lines)


class Source:
    """The master side of a pty whose other side the contender opens by name."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()  # the slave stays open, so that a reader may come and go
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)

    def wait_for_go(self) -> None:
        """Return when the contender has sent a line."""
        while b"\n" not in os.read(self._master, 4096):
            pass

    def write(self, data: bytes) -> None:
        """Write all of `data`, as fast as it is read."""
        while data:
            data = data[os.write(self._master, data) :]

    def flood(self, lines: int, kind: str, cap: float) -> dict[str, object]:
        """Send `lines` lines, or as many as are read within `cap` seconds, and then the last one."""
        prepared = blocks(kind)
        self.wait_for_go()
        deadline = time.monotonic() + cap
        sent = size = 0
        while sent < lines and time.monotonic() < deadline:
            block = prepared[sent // LINES_PER_BLOCK % len(prepared)]
            self.write(block)
            sent += LINES_PER_BLOCK
            size += len(block)
        self.write(LAST)
        return {"lines": sent, "bytes": size, "capped": sent < lines}

    def single_lines(self, count: int, seed: int = 1) -> dict[str, object]:
        """Answer each `GO` with one URC after 5 to 30 ms, so that the reader sleeps when it comes."""
        pauses = random.Random(seed)
        times = []
        for _ in range(count):
            self.wait_for_go()
            time.sleep(pauses.uniform(0.005, 0.030))
            times.append(time.monotonic())
            self.write(LAST)
        return {"sent": times}

    def silence(self, seconds: float) -> dict[str, object]:
        """Answer `GO` after `seconds` of nothing."""
        self.wait_for_go()
        time.sleep(seconds)
        self.write(LAST)
        return {"seconds": seconds}


def _end_with_the_benchmark() -> None:
    """End, also in the middle of a write that nobody reads, when the benchmark closes our standard input or dies."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Play one task, given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["flood", "latency", "waiting"])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--kind", choices=["log", "short"], default="log")
    parser.add_argument("--cap", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    let_go = threading.Thread(target=_end_with_the_benchmark, daemon=True)
    let_go.start()
    source = Source()
    print(json.dumps({"port": source.port}), flush=True)
    if asked.task == "flood":
        sent = source.flood(asked.lines, asked.kind, asked.cap)
    elif asked.task == "latency":
        sent = source.single_lines(asked.count)
    else:
        sent = source.silence(asked.seconds)
    print(json.dumps(sent), flush=True)
    let_go.join()  # until then the line stays up


if __name__ == "__main__":
    main()
