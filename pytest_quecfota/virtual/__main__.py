"""The virtual bench as a process: `python -m pytest_quecfota.virtual --document FILE|-`, and the makers of images and
patches.

Prints one line of JSON when the bench is ready, logs to stderr, ends on SIGTERM, SIGINT or the death of its parent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 fine, 2 wrong use, 3 the bench could not come up)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["image"]:
        from .image import image_main

        return image_main(arguments[1:])
    if arguments[:1] == ["delta"]:
        from .delta import delta_main

        return delta_main(arguments[1:])
    if arguments[:1] == ["defects"]:
        return _print_defects()
    parser = argparse.ArgumentParser(
        prog="python -m pytest_quecfota.virtual",
        description="A virtual bench from a resolved document. Also: image, delta, defects.",
    )
    parser.add_argument("--document", required=True, metavar="FILE|-", help="the resolved document (JSON)")
    return _bench(parser.parse_args(arguments).document)


def _print_defects() -> int:
    from .defects import known

    rows = [{"name": one.name, "requirement": one.requirement, "text": one.text} for one in known().values()]
    print(json.dumps(rows, indent=2))
    return 0


def _bench(source: str) -> int:
    from .document import DocumentError, read

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        document = read(source)
    except (DocumentError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    from .center import Center, CenterError
    from .clock import Clock
    from .workspace import Workspace

    workspace = Workspace(document.state)
    clock = Clock("max" if document.speed == float("inf") else document.speed, file=workspace.clock)
    center = None
    try:
        center = Center(document.developer_center, workspace)
        return _run(document, workspace, clock, center)
    except (CenterError, ValueError, OSError, TimeoutError, asyncio.TimeoutError) as problem:
        print(f"bench: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 3
    finally:
        if center:
            center.close()
        clock.close()
        workspace.close()


def _run(document: Any, workspace: Any, clock: Any, center: Any) -> int:
    from .bench import serve
    from .loop import run

    async def live() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        parent = _watch_parent(loop, document.parent, stop)
        try:
            await serve(document, workspace, clock, center, _announce, stop)
        finally:
            if parent is not None:
                loop.remove_reader(parent)
                os.close(parent)

    run(live(), clock)
    return 0


def _announce(ready: dict[str, Any]) -> None:
    print(json.dumps(ready), flush=True)


def _watch_parent(loop: asyncio.AbstractEventLoop, pid: int | None, stop: asyncio.Event) -> int | None:
    """End with the process `pid`: its file descriptor becomes readable when it dies."""
    if pid is None:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.set()
        return None
    loop.add_reader(descriptor, stop.set)
    return descriptor


if __name__ == "__main__":
    sys.exit(main())
