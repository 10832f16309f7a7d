"""Measures the virtual bench from outside until its input ends: knows nothing of this project but two addresses.

Usage: measuring_script.py HOST PORT QUERY CONTROL. Prints a JSON line for each reading: `what` was measured (supply or module),
when it was `asked` and `answered` (seconds of the machine's monotonic clock), and the `volts`. The supply is asked over its
socket, the module's own voltage over `GET /truth`.
"""

import http.client
import json
import select
import socket
import sys
import time
import urllib.parse

host, port, query, control = sys.argv[1], int(sys.argv[2]), sys.argv[3], urllib.parse.urlsplit(sys.argv[4])
supply = socket.create_connection((host, port), timeout=5)
supply.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
truth = http.client.HTTPConnection(control.hostname, control.port, timeout=5)
print("ready", flush=True)


def said(what, asked, volts):
    print(json.dumps({"what": what, "asked": asked, "answered": time.monotonic(), "volts": volts}), flush=True)


while not select.select([sys.stdin], [], [], 0.004)[0]:
    before = time.monotonic()
    supply.sendall(query.encode() + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        answer += supply.recv(4096)
    said("supply", before, float(answer))
    before = time.monotonic()
    truth.request("GET", "/truth")
    said("module", before, json.loads(truth.getresponse().read())["voltage"])
