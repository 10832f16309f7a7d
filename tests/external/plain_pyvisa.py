"""What a bench engineer writes in five minutes: pyvisa, pyserial, nothing else. Prints what it saw as JSON.

python plain_pyvisa.py TCPIP::127.0.0.1::40123::SOCKET /path/of/the/port
"""

import json
import sys
import time

import pyvisa
import serial

LIMIT = 15.0  # seconds


def until(holds, what):
    deadline = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come to hold")


visa = pyvisa.ResourceManager("@py")
supply = visa.open_resource(sys.argv[1], read_termination="\n", write_termination="\n")
supply.timeout = 2000
module = serial.Serial(sys.argv[2], 115200, timeout=0.5)


def measured(quantity):
    return float(supply.query(f"MEAS:{quantity}? (@1)"))


def answers():
    module.write(b"AT\r")
    return b"OK" in module.read_until(b"OK\r\n")


seen = {"identity": supply.query("*IDN?")}
until(answers, "an answer to AT")
supply.write("VOLT 3.1,(@1)")
supply.write("CURR 0.8,(@1)")
seen["set"] = [float(supply.query("VOLT? (@1)")), float(supply.query("CURR? (@1)"))]
until(lambda: abs(measured("VOLT") - 3.1) < 0.02, "3.1 V")
seen["drawn"] = measured("CURR")
seen["still there"] = answers()

module.reset_input_buffer()
supply.write("OUTP OFF,(@1)")
seen["output off"] = supply.query("OUTP? (@1)")
until(lambda: measured("VOLT") < 0.1 and measured("CURR") == 0, "no voltage")
module.reset_input_buffer()
module.write(b"AT\r")
seen["said while off"] = module.read(100).decode()

supply.write("OUTP ON,(@1)")
seen["output on"] = supply.query("OUTP? (@1)")
module.timeout = LIMIT
seen["said after power on"] = module.read_until(b"RDY\r\n")[-5:].decode()
module.timeout = 0.5
until(answers, "an answer to AT after RDY")
supply.write("VOLT 3.3,(@1);:CURR 1.0,(@1)")
supply.write("COLOUR BLUE")
seen["errors"] = [supply.query("SYST:ERR?"), supply.query("SYST:ERR?")]
supply.close()
visa.close()
module.close()
print(json.dumps(seen))
