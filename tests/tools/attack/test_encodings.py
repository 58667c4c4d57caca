import base64
import json
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tools.attack.encodings import encode, encodings_for
from stockade.tools.attack.model import Slot


def slot(example: str) -> Slot:
    return Slot("query", "q", ("q",), example, text=True)


@given(st.text())
def test_a_document_in_base64_in_percent_is_put_back_together(text: str) -> None:
    document = json.dumps({"name": "Tea", "size": 4})
    example = quote(base64.b64encode(document.encode() + b" ").decode(), safe="")
    sent = encode("example", slot(example), text)
    assert json.loads(base64.b64decode(unquote(sent))) == {"name": text, "size": 4}


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [("percent", "%27%20"), ("base64", "JyA="), ("reversed", " '"), ("", "' ")],
)
def test_single_layers(encoding: str, sent: str) -> None:
    assert encode(encoding, slot("Tea"), "' ") == sent


def test_a_table_takes_the_text_as_its_first_cell() -> None:
    assert (
        encode("example", slot("name,price\nTea,4\n"), "x' OR '1") == "name,price\n\"x' OR '1\",4\n"
    )


def test_the_descriptions_example_decides_what_is_tried() -> None:
    assert encodings_for(slot("Tea"), out_of_reach=False) == ("percent", "base64")
    assert encodings_for(slot('{"a": "b"}'), out_of_reach=False)[0] == "example"
    assert "rot13" in encodings_for(slot("Tea"), out_of_reach=True)
