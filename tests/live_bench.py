"""A rig file for a bench that is made of a scripted module, a scripted supply and, if wanted, a tiny platform."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from scripted_instrument import ScriptedInstrument
from scripted_module import BOOT, OK, ScriptedModule

from pytest_quecfota import rig as rigs
from pytest_quecfota.rig.live import LiveRig

_PREPARED = "package_type: full, source_version: '', min_battery: 30, min_signal: -113"
MANUAL = f"""{{kind: manual, plans: [
    {{component: BC25, target_version: BC25_FOTA_V2_0, size: 2563, {_PREPARED}}},
    {{component: STM32, target_version: 1_1_0, size: 5120, {_PREPARED}}}]}}"""


class Bench:
    """The parts of the bench; `load` writes the rig file and loads it, `live` makes the rig that tests get."""

    def __init__(self, folder: Path, module: ScriptedModule, instrument: ScriptedInstrument) -> None:
        self.folder, self.module, self.instrument = folder, module, instrument
        self.instrument.switched = lambda on: self.module.say(*BOOT) if on else None
        self.module.replies['AT+QIOTCFG="productinfo"'] = ['+QIOTCFG: "productinfo","p11key","t0p-secret"', OK]
        self._stack = contextlib.ExitStack()

    def load(
        self, *, supply: bool = True, allow: str = "[cuts]", center: str = MANUAL, module: str = "", more: str = ""
    ) -> rigs.Rig:
        """The rig: hardware as far as it knows."""
        power = f"""\
supply:
  visa: {self.instrument.address}
  profile: keysight-e36300
  nominal: {{voltage: 3.3, current_limit: 1.0}}
  limits: {{min: 2.1, max: 3.6}}
"""
        path = self.folder / "bench.yaml"
        path.write_text(
            f"name: bench\nmodule: {{model: BC25, port: {{url: {self.module.path}}}, product_key: p11key, "
            f"product_secret: t0p-secret{module}}}\n{power if supply else ''}"
            f"allow: {allow if supply else '[]'}\ndeveloper_center: {center}\n"
            f"mcu: [{{component: STM32, version: 1_0_0}}]\n{more}\n"
        )
        return rigs.load(path)

    def live(self, config: rigs.Rig | None = None, **options) -> LiveRig:
        """Started; closed with the bench."""
        made = LiveRig(config or self.load(), directory=self.folder / "run", run="run7", **options)
        self._stack.callback(made.close)
        made.start()
        return made

    def close(self) -> None:
        """Close all rigs that were made."""
        self._stack.close()


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """The whole bench, closed afterwards."""
    with contextlib.ExitStack() as stack:
        module = ScriptedModule(folder / "port")
        stack.callback(module.close)
        instrument = ScriptedInstrument()
        stack.callback(instrument.close)
        made = Bench(folder, module, instrument)
        stack.callback(made.close)
        yield made
