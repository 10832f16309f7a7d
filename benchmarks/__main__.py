"""`python -m benchmarks`: measures, prints one table, keeps it as JSON; exit code 1 where a target is missed."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import cycle, latency, peers, per_test, sota, startup, table, throughput, trigger, waiting

RESULTS = Path(__file__).parent / "results"
ONLY = ("throughput", "latency", "trigger", "cpu", "startup", "memory", "per-test", "sota", "cycle")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = [peer.name for peer in peers.PEERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="two rounds, no peers but the bare loop, nothing installed"
    )
    parser.add_argument("--peers", default=",".join(names), help="which of the peers, with commas; none with ''")
    parser.add_argument("--only", choices=ONLY, action="append", help="measure this alone; may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many runs counts (default: 5)")
    parser.add_argument("--cap", type=float, default=10.0, help="seconds after which a slow contender is stopped")
    parser.add_argument("--markdown", type=Path, help="also write the table as Markdown to this file")
    asked = parser.parse_args(given)
    wanted = [] if asked.quick else [name for name in asked.peers.split(",") if name]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(names)}")
    asked.peers = [peer for peer in peers.PEERS if peer.name in wanted]
    asked.rounds = min(asked.rounds, 2) if asked.quick else asked.rounds
    return asked


def measure(asked: argparse.Namespace) -> list[table.Row]:
    """All rows that were asked for."""
    rounds, chosen = asked.rounds, asked.peers
    parts: dict[str, Callable[[], list[table.Row]]] = {
        "throughput": lambda: throughput.rows(chosen, count=rounds, cap=asked.cap),
        "memory": lambda: throughput.memory_rows(chosen, count=rounds, cap=asked.cap),
        "latency": lambda: latency.rows(chosen, count=rounds, lines=30 if asked.quick else 100),
        "trigger": lambda: trigger.rows(count=rounds, cuts=30 if asked.quick else 100),
        "cpu": lambda: waiting.rows(chosen, count=rounds),
        "startup": lambda: startup.rows(chosen, pairs=8 if asked.quick else 8 * rounds),
        "per-test": lambda: per_test.rows(chosen, count=rounds, tests=100),
        "sota": lambda: sota.rows(count=rounds),
        "cycle": lambda: cycle.rows(count=4 * rounds),
    }
    wanted = asked.only or [name for name in parts if name != "memory"]  # throughput measures it as well
    rows: list[table.Row] = []
    for name in wanted:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += parts[name]()
    return rows


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "peers": {peer.name: peer.needs for peer in peers.PEERS},
    }


def main() -> int:
    """Measure, print, keep."""
    asked = arguments()
    about = machine()
    rows = measure(asked)
    print(f"Python {about['python']}, {about['system']}, {about['cores']} cores, load before {about['load']}")
    print(table.text(rows))
    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    kept = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    kept.write_text(json.dumps({"machine": about, "rows": table.as_json(rows)}, indent=1, ensure_ascii=False) + "\n")
    if asked.markdown:
        asked.markdown.write_text(table.markdown(rows) + "\n")
    missed = [f"{row.what} ({', '.join(filter(None, [row.contender, row.note]))})" for row in rows if row.met is False]
    print(f"kept in {kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept}")
    print(f"missed: {'; '.join(missed)}" if missed else "every target that was measured is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
