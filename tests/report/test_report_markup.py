"""HTML that cannot be broken by what it shows."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.report.markup import Html, clean, element, html_of


class Seen(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    parser.close()
    return parser


@given(st.text(), st.text())
def test_any_text_stays_text_and_any_attribute_stays_in_its_quotes(text: str, value: str) -> None:
    found = seen(element("p", text, title=value))
    assert [tag for tag, _ in found.tags] == ["p"]
    assert found.text == clean(text)
    assert found.tags[0][1] == {"title": clean(value)}


@given(st.text())
def test_cleaned_text_is_valid_xml_and_utf_8(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(ord(character) < 32 and character not in "\t\n\r" for character in cleaned)


def test_html_is_taken_as_it_is_and_the_rest_is_escaped() -> None:
    assert html_of([Html("<b>"), "<i>", None, 5]) == "<b>&lt;i&gt;5"
    assert element("img", src="x", hidden=True, alt=None) == '<img src="x" hidden>'
    assert element("td", class_="a", data_x="1") == '<td class="a" data-x="1"></td>'
