"""Lets a run go on where Allure's results cannot be written.

allure-pytest writes from within pytest's hooks, so that an error there would end the whole run. `Guard` stands around its writer,
whichever that is, and notes what is lost.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import allure_commons

from pytest_quecfota.report.losses import Losses

Wrapped = Generator[None, Any, Any]


class Guard:
    """A plugin of allure's own plugin manager, from `on` until `off`."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def on(self) -> Guard:
        """Stand around the writers from here on."""
        allure_commons.plugin_manager.register(self)
        return self

    def off(self) -> None:
        """No more. Harmless when called twice."""
        if allure_commons.plugin_manager.is_registered(self):
            allure_commons.plugin_manager.unregister(self)

    def _noted(self, what: str) -> Wrapped:
        try:
            return (yield)
        except OSError as error:
            self._losses.add(what, error)

    @allure_commons.hookimpl(wrapper=True)
    def report_result(self) -> Wrapped:
        return (yield from self._noted("Allure's result of a test"))

    @allure_commons.hookimpl(wrapper=True)
    def report_container(self) -> Wrapped:
        return (yield from self._noted("Allure's account of fixtures"))

    @allure_commons.hookimpl(wrapper=True)
    def report_attached_file(self) -> Wrapped:
        return (yield from self._noted("an attachment for Allure"))

    @allure_commons.hookimpl(wrapper=True)
    def report_attached_data(self) -> Wrapped:
        return (yield from self._noted("an attachment for Allure"))

    @allure_commons.hookimpl(wrapper=True, optionalhook=True)
    def report_globals(self) -> Wrapped:
        return (yield from self._noted("Allure's account of the run"))


def sweep(results: Path) -> None:
    """Remove what half-written results left in the folder. Only after the last writer has ended."""
    for path in results.glob("*.tmp"):
        path.unlink(missing_ok=True)
