"""The rig files of the documentation: each is one that the loader takes."""

from __future__ import annotations

import pytest
import yaml
from doc_pages import ROOT, all_blocks, blocks

from pytest_quecfota import rig

ENVIRONMENT = {"QUEC_PK": "demo-key", "QUEC_PS": "demo-secret", "QUEC_TOKEN": "demo-token"}
WHOLE = [pytest.param(block, id=block.name) for block in all_blocks("yaml rig")]
PARTS = [pytest.param(block, id=block.name) for block in all_blocks("yaml part")]


@pytest.mark.parametrize("block", WHOLE)
def test_a_whole_rig_file_is_loaded(tmp_path, block):
    path = tmp_path / "shown.yaml"
    path.write_text(block.text)
    assert rig.load(path, environ=ENVIRONMENT).module.model


@pytest.mark.parametrize("block", PARTS)
def test_a_part_fits_into_a_rig_file(tmp_path, block):
    """It is laid over the repository's example of a bench of hardware; a Developer Center takes the place of the other one."""
    base = yaml.safe_load((ROOT / "rigs" / "bench2.yaml").read_text())
    if "developer_center" in yaml.safe_load(block.text):
        del base["developer_center"]
    (tmp_path / "bench2.yaml").write_text(yaml.safe_dump(base))
    path = tmp_path / "shown.yaml"
    path.write_text(f"extends: bench2.yaml\n{block.text}")
    assert rig.load(path, environ=ENVIRONMENT).name


def test_a_rig_file_that_extends_another_is_loaded(tmp_path):
    (tmp_path / "bench2.yaml").write_text((ROOT / "rigs" / "bench2.yaml").read_text())
    page = ROOT / "docs" / "how-to" / "describe-a-bench.md"
    (shown,) = [block for block in blocks(page) if block.file == "rigs/bench3.yaml"]
    (tmp_path / "bench3.yaml").write_text(shown.text)
    loaded = rig.load("bench3", rig_dir=tmp_path, environ=ENVIRONMENT)
    assert loaded.supply is not None
    assert loaded.supply.channel == 2
