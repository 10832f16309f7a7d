"""The embedded Developer Center: an OTA platform in one process, for rigs whose modules are virtual.

It is started as ``python -m pytest_quecfota.cloud`` and imports nothing of the test side or of the virtual bench.
Rooms, downwards::

    __main__, service      the process, the FastAPI application
    connections, held      how long a slow client is waited for; one service to a data directory
    api/, south            HTTP for people and apps (northbound), HTTP for modules (southbound)
    openapi, examples      what its description says beyond what FastAPI knows
    fleet, planning, upgrading, monitoring, verification, ticking
                           what the platform does: domain rules applied to stored rows, one transaction per call
    center, live, clock    what those share: open sessions, waiting polls, subscribers, platform time
    store, tables, packages  rows in SQLite, package files under their digest
    domain/                pure rules: states and transitions, scope, matching, time windows, log texts
"""
