"""What the tests of the rig room share."""

from __future__ import annotations

import pytest
from rig_texts import RigFiles


@pytest.fixture
def rig_files(tmp_path, monkeypatch) -> RigFiles:
    monkeypatch.chdir(tmp_path)
    return RigFiles(tmp_path)
