"""Bytes: from the port of a module to frames, and from there to whoever waits.

`port` opens a port of any pyserial URL, `framing` cuts its bytes into lines, prompts and blocks, `wire` owns the one
thread that reads, types URCs, fires triggers and records. Above it stands `at`, below it `timeline`, `urc` and `errors`.
"""
