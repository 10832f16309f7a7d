"""The files beside Allure's results that speak of the whole run: environment, categories, executor.

All are made from the head of `run.json` and the environment of the process, and written whole; nothing here needs Allure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_quecfota import errors
from pytest_quecfota.report import redaction, whole
from pytest_quecfota.report.evidence import Run

#: How the messages of results begin that are not the module's fault; the categories look for them.
BENCH_FAULT, BLOCKED = "bench fault", "blocked:"

#: CI systems by a variable they set: (type in Allure, name, build number, build name, address of the build).
_CI = {
    "JENKINS_URL": ("jenkins", "Jenkins", "BUILD_NUMBER", "JOB_NAME", "BUILD_URL"),
    "GITLAB_CI": ("gitlab", "GitLab CI", "CI_PIPELINE_IID", "CI_JOB_NAME", "CI_JOB_URL"),
    "GITHUB_ACTIONS": ("github", "GitHub Actions", "GITHUB_RUN_NUMBER", "GITHUB_WORKFLOW", ""),
    "TEAMCITY_VERSION": ("teamcity", "TeamCity", "BUILD_NUMBER", "TEAMCITY_BUILDCONF_NAME", "BUILD_URL"),
    "TF_BUILD": ("azure", "Azure Pipelines", "BUILD_BUILDID", "BUILD_DEFINITIONNAME", ""),
    "BUILDKITE": ("buildkite", "Buildkite", "BUILDKITE_BUILD_NUMBER", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_URL"),
    "BAMBOO_BUILDKEY": ("bamboo", "Bamboo", "bamboo_buildNumber", "bamboo_planName", "bamboo_buildResultsUrl"),
}

_ESCAPED = {" ": "\\ ", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}


def write_run_files(results: Path, run: Run, rigs: Iterable[object] = ()) -> None:
    """Write `environment.properties`, `categories.json` and `executor.json` into the folder of Allure's results.

    `rigs` are the rigs as loaded; of them only names of things are told (port, supply, Developer Center). Raises
    `OSError` where a file cannot be written.
    """
    results.mkdir(parents=True, exist_ok=True)
    facts = {key: run.clean(value) for key, value in environment(run.head, rigs).items()}
    whole.write(results / "environment.properties", properties(facts))
    whole.write(results / "categories.json", json.dumps(categories(), indent=1) + "\n")
    whole.write(
        results / "executor.json", json.dumps(executor(run.head, run.directory.name, os.environ), indent=1) + "\n"
    )


def environment(head: Mapping[str, Any], rigs: Iterable[object] = ()) -> dict[str, str]:
    """What was tested with what, by name."""
    found: dict[str, Any] = {"Rig": ", ".join(rig["name"] for rig in head.get("rigs", ()))}
    modules = head.get("modules") or {"": head.get("module") or {}}
    for name, module in modules.items():
        of = f"{name} module" if len(modules) > 1 else "Module"
        found.update({f"{of} {key}": value for key, value in module.items()})
    for rig in rigs:
        name = str(getattr(rig, "name", "rig"))
        for title, path in _RIG_FACTS.items():
            found[f"{name} {title}"] = _reach(rig, path)
    found["Tests at revision"] = head.get("revision")
    found["Command"] = " ".join(head.get("command", ()))
    found.update({"Tool": head.get("tool"), "Python": head.get("python"), "Host": head.get("host")})
    return {key: str(value) for key, value in found.items() if value not in (None, "")}


_RIG_FACTS = {
    "model": "module.model",
    "port": "module.port.url",
    "supply": "supply.profile",
    "supply address": "supply.visa",
    "Developer Center": "developer_center.kind",
    "speed": "speed",
}


def _reach(rig: object, path: str) -> object:
    for name in path.split("."):
        rig = getattr(rig, name, None)
    return rig


def properties(facts: Mapping[str, str]) -> str:
    """A Java properties file: keys and values escaped, everything but ASCII as `\\uXXXX`, one pair a line."""
    return "".join(f"{_key(key)}={_value(value)}\n" for key, value in facts.items())


def _key(text: str) -> str:
    return "".join(f"\\{c}" if c in ":=#!\\" else _ESCAPED.get(c) or _ascii(c) for c in text)


def _value(text: str) -> str:
    body = "".join("\\\\" if c == "\\" else c if c == " " else _ESCAPED.get(c) or _ascii(c) for c in text)
    return "\\" + body if body.startswith(" ") else body


def _ascii(character: str) -> str:
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


def categories() -> list[dict[str, Any]]:
    """How Allure sorts results that did not pass. Each result falls into exactly one."""
    names = "|".join(sorted({kind.__name__ for kind in _kinds(errors.BenchError)}))
    bench = rf"(?:{BENCH_FAULT} \(|(?:[\w.]+\.)?(?:{names})\b)"
    blocked = rf"(?:[\w.]+: )?{BLOCKED}"
    skipped = r"(?:Skipped: )?needs "
    return [
        {"name": "Module fault", "matchedStatuses": ["failed"]},
        {"name": "Bench fault", "matchedStatuses": ["broken"], "messageRegex": f"(?s)^{bench}.*"},
        {"name": "Blocked", "matchedStatuses": ["broken"], "messageRegex": f"(?s)^{blocked}.*"},
        {
            "name": "Fault of a test or the tool",
            "matchedStatuses": ["broken"],
            "messageRegex": f"(?s)^(?!{bench})(?!{blocked}).*",
        },
        {"name": "Skipped by need", "matchedStatuses": ["skipped"], "messageRegex": f"(?s)^{skipped}.*"},
        {"name": "Skipped", "matchedStatuses": ["skipped"], "messageRegex": f"(?s)^(?!{skipped}).*"},
    ]


def _kinds(kind: type[BaseException]) -> list[type[BaseException]]:
    found = [kind]
    for child in kind.__subclasses__():
        found += _kinds(child)
    return found


def executor(head: Mapping[str, Any], run: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Who ran the tests: the CI system that its variables tell, else this machine."""
    kind, name, number, build, address = next(
        (found for variable, found in _CI.items() if environ.get(variable)), ("local", "local run", "", "", "")
    )
    facts = {
        "name": name,
        "type": kind,
        "buildName": " ".join(filter(None, [environ.get(build, ""), environ.get(number, "")])) or run,
        "buildOrder": _number(environ.get(number, "")) or _number("".join(filter(str.isdigit, run))[:14]),
        "buildUrl": redaction.text(environ.get(address, "")) if address else _github(environ),
        "reportName": f"Firmware updates on {', '.join(rig['name'] for rig in head.get('rigs', ()))}",
    }
    return {key: value for key, value in facts.items() if value}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _github(environ: Mapping[str, str]) -> str:
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""
