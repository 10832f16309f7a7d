"""The names a test file imports: all there, all lazy."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import pytest_quecfota

HEAVY = {"pydantic", "yaml", "pyvisa", "serial", "allure", "matplotlib", "fastapi", "sqlalchemy"}


@pytest.mark.parametrize("name", pytest_quecfota.__all__)
def test_every_public_name_can_be_had_and_stays_the_same(name):
    assert getattr(pytest_quecfota, name) is getattr(pytest_quecfota, name)
    assert name in dir(pytest_quecfota)


def test_the_names_of_the_documentation_are_there():
    from pytest_quecfota import BenchError, CommandError, ModuleError, one_of, repeated, sequence, then, urc, where

    assert issubclass(CommandError, ModuleError)
    assert not issubclass(BenchError, ModuleError)
    pattern = sequence(
        urc.DownloadStarted,
        repeated(urc.Downloading),
        one_of(urc.Downloaded, where(urc.Event, code=1)),
        then(urc.Updated, within=1),
    )
    assert pattern is not None


def test_a_name_that_is_none_is_told():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pytest_quecfota.nothing
    with pytest.raises(ImportError):
        from pytest_quecfota import nothing  # noqa: F401


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_else():
    found = loaded("import pytest_quecfota")
    assert not found & HEAVY
    assert {name for name in found if name.startswith("pytest_quecfota.")} == set()


def test_the_plugin_alone_imports_nothing_heavy():
    found = loaded("import pytest_quecfota.plugin")
    assert not found & HEAVY
    ours = {name for name in found if name.startswith("pytest_quecfota.")}
    assert ours == {f"pytest_quecfota.{name}" for name in ("plugin", "fixtures", "options")}


def test_patterns_need_neither_pydantic_nor_yaml_nor_pyvisa():
    assert not loaded("from pytest_quecfota import urc, sequence, where") & HEAVY


def test_every_module_of_the_package_can_be_imported():
    import pkgutil

    for found in pkgutil.walk_packages(pytest_quecfota.__path__, "pytest_quecfota."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
