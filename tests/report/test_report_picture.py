"""The picture of a test: valid, small, the same every time, and never in the way of a run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import made_evidence as made
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_quecfota.report import picture, svg
from pytest_quecfota.report.course import Disturbance
from pytest_quecfota.report.picture import Heading
from pytest_quecfota.report.reading import of
from pytest_quecfota.report.verdicts import Verdict

pytest.importorskip("matplotlib")

CUT = Verdict("t.py::test_cut[a]", "passed", rig="virtual")


def drawn(folder: Path, found: list[made.Record], verdict: Verdict | None = CUT) -> str:
    path = picture.draw(made.write(folder, found), verdict)
    assert path == folder / "timeline.svg"
    return path.read_text(encoding="utf-8")


def texts(image: str) -> list[str]:
    return [
        "".join(found.itertext()).strip() for found in ET.fromstring(image).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_a_brownout_shows_trigger_cut_restart_and_end(tmp_path: Path) -> None:
    shown = texts(drawn(tmp_path, made.brownout()))
    wanted = [
        "test_cut[a]",
        "PASSED",
        "⚡ cut-500ms",
        "The moment of cut-500ms, enlarged",
        "Updating: the trigger",
        "module gone",
    ]
    assert [
        text for text in [*wanted, "module back", "Ready", "updating", "upgraded", "volts", "mA"] if text not in shown
    ] == []
    assert "sent +0.5 ms · acknowledged +4.0 ms" in " ".join(shown)


def test_what_is_put_back_long_after_a_cut_does_not_shrink_its_closeup() -> None:
    """That the supply was restored is noted at the end of the block, minutes after the module was back."""
    marks = {"armed": 0.0, "seen": 9.99, "sent": 10.0, "acknowledged": 10.01, "ended": 10.1, "back": 10.4}
    late = Disturbance("cut-500ms", {**marks, "restored": 99.0})
    assert (late.trigger, late.end, late.last) == (9.99, 10.1, 10.4)
    assert Disturbance("cut-500ms", {"sent": 10.0, "restored": 11.0}).end == 11.0, "nothing else says when it was over"


def test_an_upgrade_shows_its_stages_commands_and_repeats(tmp_path: Path) -> None:
    shown = texts(drawn(tmp_path, made.upgrade()))
    wanted = ["Downloading ×17", "Updating ×5", "AT+QIOTREG=1", "UpgradeOffered", "set 3.3 V", "plan ota-7f3 is active"]
    assert [text for text in [*wanted, "connect", "Updated"] if text not in shown] == []


def test_a_failure_says_why(tmp_path: Path) -> None:
    failed = Verdict("t.py::test_x", "failed", message="Downloaded (7,10703) did not come")
    shown = texts(drawn(tmp_path, made.failure(), failed))
    assert {"FAILED", "Downloaded (7,10703) did not come", "AT+QIOTUPDATE=7 → ERROR"} <= set(shown)


def test_the_same_timeline_gives_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(tmp_path / "a", made.brownout()) == drawn(tmp_path / "b", made.brownout())


def test_five_hundred_events_stay_small(tmp_path: Path) -> None:
    assert len(drawn(tmp_path, made.crowd(500)).encode()) <= picture.LARGEST_BYTES


def test_tens_of_thousands_of_samples_and_events_stay_small(tmp_path: Path) -> None:
    found = [*made.crowd(4000), *made.samples(0, 80, 0.002)]
    assert len(drawn(tmp_path, found).encode()) <= picture.LARGEST_BYTES


def test_the_picture_has_a_dark_side_a_description_and_no_date(tmp_path: Path) -> None:
    image = drawn(tmp_path, made.upgrade())
    assert "prefers-color-scheme: dark" in image
    assert "<desc>test_cut[a], passed: offered → downloading" in image
    assert "metadata" not in image
    assert not re.search(r"20\d\d-\d\d-\d\d", image)


def test_module_seconds_are_shown_beside_real_ones_on_a_fast_rig(tmp_path: Path) -> None:
    run = made.run(tmp_path)
    path = picture.draw(run.directory / "tests" / "test_full_package")
    assert path is not None
    assert "module s" in path.read_text()
    assert "clock ×60" in path.read_text()


def test_test_and_outcome_come_from_the_folder_where_nobody_says(tmp_path: Path) -> None:
    run = made.run(tmp_path)
    path = picture.draw(run.directory / "tests" / "test_step_by_step")
    assert path is not None
    assert {"test_step_by_step", "FAILED"} <= set(texts(path.read_text()))


def test_a_test_of_which_nothing_is_known_has_no_picture(tmp_path: Path) -> None:
    assert picture.draw(tmp_path) is None
    (tmp_path / "timeline.jsonl").write_text("not json\n")
    assert picture.draw(tmp_path) is None


def test_without_matplotlib_there_is_no_picture_and_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert picture.draw(made.write(tmp_path, made.upgrade())) is None
    assert "pytest-quecfota[plots]" in picture.HINT


def test_matplotlib_is_imported_only_to_draw_and_pyplot_never(tmp_path: Path) -> None:
    made.write(tmp_path, made.upgrade())
    code = """
import sys
from pathlib import Path
from pytest_quecfota.report import allure, evidence, picture, static, summary
assert picture.available()
print([m for m in ("matplotlib", "yaml", "allure_commons", "pytest") if m in sys.modules])
print(picture.draw(Path(sys.argv[1])).name, "matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["[]", "timeline.svg True False"]


def test_drawing_leaves_no_state_behind(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn(tmp_path, made.upgrade())
    assert dict(matplotlib.rcParams) == before


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=60), t=st.floats(0, 1e5))
def test_any_text_at_any_time_gives_valid_xml(text: str, t: float) -> None:
    records = [
        made.urc(t, text, text),
        {"t": t, "kind": "tx", "data": f"AT{text}"},
        {"t": t / 2, "kind": "supply", "action": "sent", "disturbance": text or "cut"},
        {"t": t, "kind": "note", "text": text},
        {"t": t, "kind": "sample", "voltage": t, "current": -t},
    ]
    image = picture.render(of(json.loads(json.dumps(records))), Heading(Verdict("a", "failed", message=text), text, 60))
    ET.fromstring(image.encode("utf-8"))


def test_what_is_no_svg_is_left_alone() -> None:
    assert svg.finished("hello", "x") == "hello"
