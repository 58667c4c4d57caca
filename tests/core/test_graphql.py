"""Strings of GraphQL documents, beside what `test_decoding` shows at a sink."""

from __future__ import annotations

import pytest

from stockade.core.graphql import graphql_strings


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ('{ a(b: "it\'s") }', "it's"),
        ('mutation M { a(b: "\\u0027\\u{1F600}\\n") }', "'\U0001f600\n"),
        ('\ufeff# "\n,query { a(b: ["x y", {c: "z\'"}]) }', "z'"),
        ('{ a(b: """\n  one\n    two \\"""\n  """) }', 'one\n  two """'),
        ('{ a(b: "unterminated', "unterminated"),
    ],
)
def test_strings_in_every_spelling(document: str, value: str) -> None:
    assert value in graphql_strings(document)


@pytest.mark.parametrize("text", ["", 'say "hello"', '{"a"', "{ a }", 'querying {"a"}'])
def test_other_texts_have_none_or_plain_ones(text: str) -> None:
    assert graphql_strings(text) in ([], ["a"])
