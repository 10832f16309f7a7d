"""The program that runs in the virtual module: AT interpreter, modem, QuecThing connection and its OTA state machine.

One `Firmware` object is one run from power-good to power loss or restart; everything it holds is RAM and is gone with
it. What survives is on the `Board`: flash, NVM, radio, rail, serial line. Time is the bench clock's.
"""
