"""A bench engineer's script with pymeasure's drivers, which knows nothing of ours: it prints what it saw as JSON.

python with_pymeasure.py E36312A TCPIP::127.0.0.1::40123::SOCKET
"""

import json
import sys
import time

from pymeasure.instruments.keysight import KeysightE36312A
from pymeasure.instruments.rohdeschwarz import HMP4040

LIMIT = 15.0  # seconds
VISA = {"visa_library": "@py", "read_termination": "\n", "write_termination": "\n", "timeout": 5000}


def until(holds, what):
    deadline = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come to hold")


def keysight(address):
    """Set, switch and read one output, as the driver's own example does."""
    supply = KeysightE36312A(address, **VISA)
    output = supply.ch_1
    seen = {"identity": supply.id}
    output.voltage_setpoint = 3.1
    output.current_limit = 0.8
    seen["set"] = [output.voltage_setpoint, output.current_limit]
    seen["on"] = output.output_enabled
    seen["volts"] = output.voltage
    until(lambda: output.current > 0.001, "a current")
    output.output_enabled = False
    seen["off"] = output.output_enabled
    until(lambda: output.voltage < 0.1, "no voltage")
    seen["current while off"] = output.current
    output.output_enabled = True
    output.voltage_setpoint = 3.3
    until(lambda: abs(output.voltage - 3.3) < 0.02, "3.3 V")
    supply.ch_2.voltage_setpoint = 12
    seen["other output"] = [supply.ch_2.voltage_setpoint, supply.ch_2.output_enabled, supply.ch_2.voltage]
    seen["complete"] = supply.complete
    seen["errors"] = supply.check_errors()
    supply.write("COLOUR BLUE")
    seen["errors after nonsense"] = [list(error) for error in supply.check_errors()]
    return seen


def rohde_schwarz(address):
    """Everything the driver offers for one channel, its sequences included."""
    supply = HMP4040(address, **VISA)
    seen = {"identity": supply.id, "version": supply.version}
    supply.control_method = "REM"
    supply.selected_channel = 1
    supply.voltage = 3.1
    supply.current = 0.8
    seen["set"] = [supply.selected_channel, supply.voltage, supply.current]
    seen["bounds"] = [supply.min_voltage, supply.max_voltage, supply.min_current, supply.max_current]
    supply.voltage_step = 0.1
    supply.step_voltage_up()
    supply.step_voltage_up()
    supply.step_voltage_down()
    seen["stepped"] = round(supply.voltage, 3)
    supply.voltage_and_current = (3.3, 1.0)
    seen["applied"] = supply.voltage_and_current
    seen["volts"] = supply.measured_voltage
    supply.output_enabled = False
    until(lambda: supply.measured_voltage < 0.1, "no voltage")
    seen["off"] = supply.output_enabled
    supply.set_channel_state(1, True)
    supply.output_enabled = True
    until(lambda: supply.measured_voltage > 3.2, "3.3 V")
    until(lambda: supply.measured_current > 0.001, "a current")
    supply.sequence = [3.2, 1, 1, 2.9, 1, 10, 3.2, 1, 1]
    supply.repetitions = 0  # until it is stopped
    supply.save_sequence(2)
    supply.clear_sequence(1)
    supply.load_sequence(2)
    supply.transfer_sequence(1)
    supply.start_sequence(1)
    until(lambda: abs(supply.measured_voltage - 2.9) < 0.01, "the low level of the sequence")
    supply.stop_sequence(1)
    until(lambda: abs(supply.measured_voltage - 3.3) < 0.01, "the setting again")
    seen["errors"] = supply.check_errors()
    supply.write("VOLT:COLOUR BLUE")
    seen["errors after nonsense"] = [list(error) for error in supply.check_errors()]
    return seen


DRIVERS = {"E36312A": keysight, "HMP4040": rohde_schwarz}
print(json.dumps(DRIVERS[sys.argv[1]](sys.argv[2])))
