"""The pages of the documentation, taken apart: fenced blocks, tables, links, prose. The tests of this folder check them.

What stands behind a fence says what happens to a block:

* `python` with test functions: run on the virtual rig. `python bench`: run beside a bench. `python conftest`: loaded as a plugin.
* `console`: each `$ quecfota …` is run, and its output compared.
* `yaml rig`: a whole rig file; `yaml part`: laid over one; `yaml supply`: a supply profile.
* `file=NAME`: the text is put there for the commands of its page.

A table that is checked has its name in a comment above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "changes").glob("*.md")]
)

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>.*)$")
_TABLE = re.compile(r"^<!-- table: (?P<name>.+) -->$")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its fence."""

    page: Path
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def kind(self) -> str:
        """`python`, `python bench`, `yaml rig` …, without `file=`."""
        return " ".join(word for word in self.info if "=" not in word)

    @property
    def file(self) -> str | None:
        """The name it is to be written to."""
        return next((word.removeprefix("file=") for word in self.info if word.startswith("file=")), None)

    @property
    def name(self) -> str:
        """A word for it in test names, and a module name."""
        page = str(self.page.relative_to(ROOT).with_suffix("")).removeprefix("docs/")
        return re.sub(r"\W", "_", f"{page}_{self.line}")


@dataclass(frozen=True)
class Table:
    """A table with a name; the cells are as written."""

    page: Path
    name: str
    rows: tuple[tuple[str, ...], ...]

    def names(self, column: int = 0) -> list[str]:
        """All that stands in backquotes in a column."""
        return [code for row in self.rows for code in _CODE.findall(row[column])]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    opened: tuple[int, str, tuple[str, ...]] | None = None
    body: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        match = _FENCE.match(line)
        if opened is None and match:
            opened, body = (number, match["fence"], tuple(match["info"].split())), []
        elif opened is not None and line == opened[1]:
            yield Block(page, opened[0], opened[2], "\n".join(body) + "\n")
            opened = None
        else:
            body.append(line)
    assert opened is None, f"{page}:{opened}: a block that does not end"


def all_blocks(kind: str) -> list[Block]:
    """The blocks of one kind on all pages."""
    return [block for page in PAGES for block in blocks(page) if block.kind == kind]


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The lines outside of blocks, with their numbers."""
    fence = ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        match = _FENCE.match(line)
        if match and not fence:
            fence = match["fence"]
        elif fence:
            fence = "" if line == fence else fence
        else:
            yield number, line


def tables(name: str) -> list[Table]:
    """The tables of that name on all pages."""
    return [table for page in PAGES for table in _tables(page) if table.name == name]


def _tables(page: Path) -> Iterator[Table]:
    lines = [line for _, line in prose(page)]
    for place, line in enumerate(lines):
        match = _TABLE.match(line)
        if match:
            rows = []
            for row in lines[place + 3 :]:
                if not row.startswith("|"):
                    break
                rows.append(tuple(cell.strip() for cell in row.strip("|").split("|")))
            yield Table(page, match["name"], tuple(rows))


def documented(name: str, column: int = 0) -> list[str]:
    """All names in a column of the tables of that name."""
    found = tables(name)
    assert found, f"no table {name!r}"
    return [code for table in found for code in table.names(column)]


def links(page: Path) -> Iterator[tuple[int, str]]:
    """The targets of links in the prose."""
    for number, line in prose(page):
        for match in _LINK.finditer(_CODE.sub("", line)):
            yield number, match["target"]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = [line.lstrip("#").strip() for _, line in prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def loosely(expected: str) -> re.Pattern[str]:
    """A pattern for a text in which `…` stands for anything, and white space for any other."""
    parts = re.split(r"\s*…\s*", expected.strip())
    return re.compile(".*?".join(r"\s+".join(map(re.escape, part.split())) for part in parts), re.DOTALL)
