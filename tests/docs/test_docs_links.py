"""The pages themselves: links lead somewhere, lines fit, and every page can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, all_blocks, anchors, blocks, links, prose

LONGEST = 132  # characters of a line of prose; tables may be longer
KINDS = {
    "console", "python", "python bench", "python conftest", "sh", "text", "text closing", "text failure",
    "yaml", "yaml part", "yaml rig", "yaml supply",
}  # fmt: skip
PARAMS = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES]


@pytest.mark.parametrize("page", PARAMS)
def test_links_lead_to_a_page_and_a_heading(page):
    for line, target in links(page):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page}:{line}: {target}"
        assert not anchor or anchor in anchors(there), f"{page}:{line}: {target}"


@pytest.mark.parametrize("page", PARAMS)
def test_lines_of_prose_fit(page):
    long = [n for n, line in prose(page) if len(line) > LONGEST and not line.startswith(("|", "["))]
    assert not long, f"{page}: lines {long}"


def test_every_page_can_be_reached_from_the_index():
    pages = set((ROOT / "docs").rglob("*.md"))
    found: set[Path] = set()
    new = {ROOT / "docs" / "index.md"}
    while new:
        found |= new
        there = {(page.parent / target.partition("#")[0]).resolve() for page in new for _, target in links(page)}
        new = (there & pages) - found
    assert found == pages


def test_blocks_are_of_a_kind_that_is_known():
    found = {block.kind for page in PAGES for block in blocks(page)}
    assert found <= KINDS, found - KINDS
    assert all_blocks("python")


@pytest.mark.parametrize("page", PARAMS)
def test_pages_need_nothing_outside_the_repository(page):
    assert "../shared" not in page.read_text()
