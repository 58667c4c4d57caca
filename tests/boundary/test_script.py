"""Values inside a page's script stay values."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from stockade.boundary import Line, Model, script_json


class Page(HTMLParser):
    """What a browser makes of a page: which elements there are, and what the scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        if self.elements[-1:] == ["script"]:
            self.scripts.append(data)


def page(written: str) -> Page:
    return Page(f"<script>const it = {written};</script>")


ATTACKS = [
    "</script><img src=x onerror=alert(1)>",
    "</SCRIPT ><script>alert(1)</script>",
    {"</script><b>": 1},
    ["<!--<script>", "-->"],  # the state in which </script> ends nothing any more
]


@pytest.mark.asvs("V1.2.3")
@pytest.mark.parametrize("value", ATTACKS)
def test_no_value_ends_the_script(value: Any) -> None:
    bare = page(json.dumps(value))
    assert bare.elements != ["script"] or "<!--" in str(bare.scripts)

    guarded = page(script_json(value))
    assert guarded.elements == ["script"]
    assert len(guarded.scripts) == 1
    assert "<" not in guarded.scripts[0]
    held = guarded.scripts[0].removeprefix("const it = ").removesuffix(";")
    assert json.loads(held) == value


def test_line_separators_end_no_string_of_older_scripts() -> None:
    assert script_json("a\u2028b\u2029c") == '"a\\u2028b\\u2029c"'


def test_models_and_what_they_hold() -> None:
    class Patient(Model):
        name: Line
        born: date
        owes: Decimal

    patient = Patient(name="O'Brien & <Söhne>", born=date(1970, 1, 2), owes=Decimal("1.50"))
    assert json.loads(script_json(patient)) == {
        "name": "O'Brien & <Söhne>", "born": "1970-01-02", "owes": "1.50",
    }  # fmt: skip
    assert script_json([1.5, None, float("nan")]) == "[1.5,null,null]"
    for nothing in (object(), "\ud800"):
        with pytest.raises(ValueError, match="serializ"):
            script_json(nothing)


def test_a_template_engine_leaves_it_as_it_is() -> None:
    template = Environment(autoescape=True).from_string("<script>const it = {{ it }};</script>")
    assert template.render(it=script_json('a"b</script>')) == (
        '<script>const it = "a\\"b\\u003c/script\\u003e";</script>'
    )
    assert "&#34;" in template.render(it=str(script_json("a")))


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(st.sampled_from("</script!->&\u2028") | st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("<>&a"), inner, max_size=3),
)


@given(_json)
def test_what_a_script_reads_is_what_was_given(value: Any) -> None:
    written = script_json(value)
    assert json.loads(written) == value
    assert not set(written) & set("<>&\u2028\u2029")
