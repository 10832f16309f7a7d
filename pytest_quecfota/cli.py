"""The command `quecfota`: rigs, the virtual bench and platform, images, transcripts and evidence, outside pytest.

Exit codes: 0 yes, 1 no, 2 wrong use, 3 the bench could not answer.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_quecfota import cli_waveform

YES, NO, WRONG_USE, NO_ANSWER = 0, 1, 2, 3

Handler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    from pytest_quecfota.errors import BenchError, RigError, RigHeld

    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in PASSED_ON:
        return _pass_on(*PASSED_ON[arguments[0]], *arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has left: nothing more to say
        _give_up_output()
        return YES
    except (RigError, OSError, ValueError) as error:
        print(f"quecfota {options.command}: {error}", file=sys.stderr)
        _give_up_output()
        return WRONG_USE
    except (BenchError, RigHeld) as error:
        print(f"quecfota {options.command}: {error}", file=sys.stderr)
        return NO_ANSWER
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _give_up_output() -> None:
    """What cannot be printed any more is dropped, so that Python does not try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


#: Commands that are other processes of this package, with their own options.
PASSED_ON = {
    "image": ("pytest_quecfota.virtual", "image"),
    "delta": ("pytest_quecfota.virtual", "delta"),
    "cloud": ("pytest_quecfota.cloud",),
}


def _pass_on(module: str, *arguments: str) -> int:
    """Become that process: signals and exit code are its own."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quecfota",
        description="Firmware updates over the air on Quectel modules: rigs, the virtual bench, transcripts, evidence.",
        epilog="Exit codes: 0 yes, 1 no, 2 wrong use, 3 the bench could not answer.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, run: Handler) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    def with_rig(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--rig", required=True, metavar="NAME|PATH", help="the rig: a stem in --rig-dir, or a path"
        )
        command.add_argument("--rig-dir", type=Path, default=Path("rigs"), metavar="DIR", help="default: rigs")

    rigs = add("rigs", "list the rigs there are", _rigs)
    rigs.add_argument("--rig-dir", type=Path, default=Path("rigs"), metavar="DIR", help="default: rigs")
    with_rig(add("doctor", "look at a rig: what is missing, wrong or unconfirmed, and what helps", _doctor))
    add("schema", "print the JSON Schema of a rig file", _schema)
    bench = add("bench", "run the virtual bench of a rig until it is told to stop", _bench)
    with_rig(bench)
    bench.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")
    bench.add_argument("--state", type=Path, metavar="DIR", help="keep flash and database there between runs")
    bench.add_argument("--defect", action="append", default=[], metavar="NAME", help="give the module a named fault")
    bench.add_argument("--seed", type=int, metavar="N", help="what random choices start from")
    decode = add("decode", "print the URCs of a transcript, one JSON object each", _decode)
    decode.add_argument("file", nargs="?", type=Path, help="the transcript (default: standard input)")
    decode.add_argument("--all", action="store_true", help="also commands, echoes, responses and data")
    decode.add_argument("--explain", action="store_true", help="also what each means and its likely cause")
    report = add("report", "make a small static page of a run's evidence", _report)
    report.add_argument("evidence", nargs="?", type=Path, default=Path("evidence/latest"))
    report.add_argument("--against", type=Path, metavar="OTHER", help="compare with another run")
    verify = add("verify", "check a run's evidence against its manifest", _verify)
    verify.add_argument("evidence", nargs="?", type=Path, default=Path("evidence/latest"))
    requirements = add("requirements", "list the requirements, and what a run proved of them", _requirements)
    requirements.add_argument("evidence", nargs="?", type=Path)
    requirements.add_argument("--file", type=Path, default=Path("hil_tests/requirements.yaml"), metavar="FILE")
    add("defects", "list the named faults a virtual module can be given", _defects)
    cli_waveform.add_arguments(add("waveform", "list the waveforms, or show one", cli_waveform.run))
    # Only for `quecfota --help`: main() hands these over before they are parsed.
    commands.add_parser("image", help="make a firmware image the virtual module accepts")
    commands.add_parser("delta", help="make the patch between two images")
    commands.add_parser("cloud", help="run the embedded Developer Center alone")
    return parser


def _rigs(options: argparse.Namespace) -> int:
    from pytest_quecfota.rig import find, overview

    print(overview(options.rig_dir))
    return YES if find(options.rig_dir) else NO


def _doctor(options: argparse.Namespace) -> int:
    from pytest_quecfota.rig import load
    from pytest_quecfota.rig.doctor import examine

    findings = examine(load(options.rig, rig_dir=options.rig_dir))
    for finding in findings:
        print("\n".join(finding.lines()))
    return NO if any(finding.level == "error" for finding in findings) else YES


def _schema(_options: argparse.Namespace) -> int:
    from pytest_quecfota.rig import json_schema

    print(json.dumps(json_schema(), indent=2))
    return YES


def _bench(options: argparse.Namespace) -> int:
    from pytest_quecfota.rig import load
    from pytest_quecfota.rig.bench import check_defects, run_in_foreground

    check_defects(options.defect)
    return run_in_foreground(
        load(options.rig, rig_dir=options.rig_dir),
        as_json=options.json,
        state=options.state,
        defects=options.defect,
        seed=options.seed,
    )


def _decode(options: argparse.Namespace) -> int:
    from pytest_quecfota.urc.transcript import decode_stream

    if options.file is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # a URC is shown when it comes, not when the pipe ends
        decode_stream(sys.stdin.buffer, sys.stdout, all=options.all, explain=options.explain)
    else:
        with options.file.open("rb") as stream:
            decode_stream(stream, sys.stdout, all=options.all, explain=options.explain)
    return YES


def _report(options: argparse.Namespace) -> int:
    from pytest_quecfota.report.static import build

    print(build(options.evidence, against=options.against))
    return YES


def _verify(options: argparse.Namespace) -> int:
    from pytest_quecfota.report.evidence import verify

    latest = options.evidence / "latest"
    folder = latest if latest.is_dir() else options.evidence
    problems = verify(folder)
    print("\n".join(problems) if problems else f"{folder}: as it was written")
    return NO if problems else YES


def _requirements(options: argparse.Namespace) -> int:
    from pytest_quecfota.report.evidence import open_run
    from pytest_quecfota.report.requirements import load, matrix

    catalogue = load(options.file)
    if options.evidence is None:
        for requirement in catalogue.requirements.values():
            print(f"{requirement.id:9} {requirement.whose:9} {requirement.title}")
        return YES
    run = open_run(options.evidence)
    rows = matrix(catalogue, run.verdicts, run.rigs)
    for row in rows:
        print(f"{row.requirement.id:9} {row.state:10} {row.requirement.title}")
    return NO if any(row.state == "refuted" for row in rows) else YES


def _defects(_options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "pytest_quecfota.virtual", "defects"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return NO_ANSWER
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    for defect in listed:
        print(f"{defect['name']:28} {defect['requirement']:9} {defect['text']}")
    return YES


if __name__ == "__main__":
    sys.exit(main())
