import base64
import html
import json

import pytest

from stockade.tools.attack.shapes import as_example

TOKEN = ".".join(
    base64.urlsafe_b64encode(each).decode().rstrip("=")
    for each in (b'{"alg":"HS256"}', b'{"sub": "ann", "n": 1}', b"signature")
)
TEXT = "x' OR \"1\"='1 é"


@pytest.mark.parametrize("example", ["Tea", "", "menu.txt", "2024-02-29", "12345678", "a/b", "ann"])
def test_a_plain_example_asks_for_nothing(example: str) -> None:
    assert as_example(example, TEXT) == TEXT


@pytest.mark.parametrize(
    ("example", "sent"),
    [
        ("name|Tea", f"name|{TEXT}"),
        ("Pencil;Tea", f"Pencil;{TEXT}"),
        ("#Tea", f"#{TEXT}"),
        ("name,price\nTea,4\n", f'name,price\n"{TEXT}",4\n'),
        ("50656e63696c", TEXT.encode().hex()),
    ],
)
def test_a_layer_is_put_around_the_text(example: str, sent: str) -> None:
    assert as_example(example, TEXT) == sent


def test_html_is_undone_by_the_standard_library() -> None:
    sent = as_example("50&#37; off", TEXT)
    assert "'" not in sent
    assert html.unescape(sent) == TEXT


def test_wide_characters_fold_back() -> None:
    import unicodedata

    sent = as_example("\uff41\uff4e\uff4e", TEXT)
    assert "'" not in sent
    assert unicodedata.normalize("NFKC", sent) == TEXT


def test_a_token_keeps_its_header_and_signature() -> None:
    head, payload, signature = as_example(TOKEN, TEXT).split(".")
    assert (head, signature) == (TOKEN.split(".")[0], TOKEN.split(".")[2])
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims == {"sub": TEXT, "n": 1}


def test_a_graphql_documents_string_is_replaced() -> None:
    sent = as_example('{ product(name: "Tea") { id } }', TEXT)
    assert sent == f"{{ product(name: {json.dumps(TEXT)}) {{ id }} }}"
