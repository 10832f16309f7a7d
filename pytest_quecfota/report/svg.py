"""What is done to an SVG after it was drawn: pixels, dark colours for dark pages, the reader's fonts, a description."""

from __future__ import annotations

import re
from html import escape

from pytest_quecfota.report.markup import clean
from pytest_quecfota.report.palette import DARK

_FONTS = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_FONT_FAMILY = re.compile(r"'?DejaVu Sans'?(?:, ?(?:'[^']*'|[\w-]+))*")
_DOCTYPE = re.compile(r"<!DOCTYPE.*?>\s*", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_LONG_NUMBER = re.compile(r"(\d+\.\d{2})\d+")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_POINTS = re.compile(r'(\b(?:width|height)="[\d.]+)pt"')
_SVG_TAG = re.compile(r"<svg\b[^>]*>", re.DOTALL)


def finished(text: str, description: str) -> str:
    """A smaller SVG with a dark mode and a description; deterministic."""
    text = _METADATA.sub("", _COMMENT.sub("", _DOCTYPE.sub("", text)))
    text = _LONG_NUMBER.sub(r"\1", text)
    text = _FONT_FAMILY.sub(_FONTS, text)
    opening = _SVG_TAG.search(text)
    if opening is None:
        return text
    tag = _POINTS.sub(r'\1"', opening[0]).removesuffix(">") + ' role="img">'
    inside = f"\n<desc>{escape(clean(description))}</desc>\n<style>{dark_style()}</style>"
    return text[: opening.start()] + tag + inside + text[opening.end() :]


def dark_style() -> str:
    """Rules that swap every colour of the palette where the reader's pages are dark."""
    rules = "".join(
        f'[style*="{part}: {light}"]{{{part}:{dark}!important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"
