"""A GraphQL document is measured as graphql-core, the reference in Python, reads it."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)
from hypothesis import example, given
from hypothesis import strategies as st

from stockade.boundary.bodies.graphql_document import Measured, measure
from stockade.core.errors import Rejected


def reference(text: str) -> Measured | None:
    """The same by graphql-core's tree and plain recursion; None for what it does not take."""
    try:
        tree = parse(text)
    except GraphQLSyntaxError:
        return None
    fragments = {n.name.value: n for n in tree.definitions if isinstance(n, FragmentDefinitionNode)}
    operations = [n for n in tree.definitions if isinstance(n, OperationDefinitionNode)]
    if not operations or len(operations) + len(fragments) < len(tree.definitions):
        return None
    try:
        for name, fragment in fragments.items():  # ours refuses unused ones that are broken, too
            ask(fragments, fragment.selection_set, 1, (name,))
        found = [ask(fragments, each.selection_set, 1, ()) for each in operations]
    except LookupError:
        return None
    return Measured(max(d for d, _ in found), max(f for _, f in found), False)


def ask(fragments: Any, selections: Any, depth: int, path: tuple[str, ...]) -> tuple[int, int]:
    """How deep and how wide; raises LookupError for a fragment that is missing or within itself."""
    deepest, fields = 0, 0
    for node in selections.selections if selections else ():
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in path or name not in fragments:
                raise LookupError
            inner = ask(fragments, fragments[name].selection_set, depth, (*path, name))
        elif isinstance(node, FieldNode):
            below = ask(fragments, node.selection_set, depth + 1, path)
            inner = max(depth, below[0]), 1 + below[1]
        else:
            inner = ask(fragments, node.selection_set, depth, path)
        deepest, fields = max(deepest, inner[0]), fields + inner[1]
    return deepest, fields


def ours(text: str) -> Measured | None:
    try:
        return measure(text)
    except Rejected:
        return None


REAL = [
    "{ a }",
    'query Q($a: [Int!]! = [1, 2], $b: In = {c: "}"}) @d(e: "{") { a(b: $b, c: [{d: 1}]) @i { b } }',
    "{ a: b, c: d { e: f } ... on T { g } ... @include(if: true) { h { i } } ...F } fragment F on U { j }",
    'mutation { a(b: """ } { \\""" """, c: "\\"}", d: "") { b } }',
    "# { \n\ufeff query { query { on fragment: mutation(type: input) } } # }",
    "subscription S { a } query Q { a { b } }",
    "{ ...A ...A } fragment A on T { ...B ...B } fragment B on T { a b }",
    "{ a {} }",
    "{ a(b: -1.5e3, c: null, d: true, e: ENUM, f: $v) }",
    '"a description" query { a }',
]


@pytest.mark.parametrize("text", REAL)
def test_what_is_a_document_is_measured_alike(text: str) -> None:
    measured = ours(text)
    assert measured is not None
    assert measured == reference(text) or text.startswith('"a')  # newer than October 2021


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "}", "{ a(b: 1 }", "{ a(b: [1}) }", "{ a: }", "{ a } }", "a",
        "{ ... }", "{ ...on }", "{ a @ }", "query", "{ 1 }", '{ "a" }', "{ a(b: \"\n\") }", '{ a(b: """) }',
        "{ ...F }", "{ ...F } fragment F on T { ...F }", "fragment F on T { a }", "{ a } fragment on on T { a }",
        "{ ...A } fragment A on T { ...B } fragment B on T { ...A }", "{ a } fragment F on T { ...G }",
        "type Query { a: Int }", "{ a } type T { a: Int }", "{ a } fragment F on T { a } fragment F on T { b }",
        "{ a\x00 }", "{ a\x0c }", "{ a.b }", "{ a } %",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    assert ours(text) is None


def test_size_costs_no_more_than_reading_it() -> None:
    deep = "{a" * 5_000 + "}" * 5_000
    assert measure(deep) == (5_000, 5_000, False)  # no recursion
    doubling = "{...F0}" + "".join(
        f"fragment F{n} on T {{...F{n + 1} ...F{n + 1}}}" for n in range(100)
    )
    assert measure(doubling + "fragment F100 on T {a}").fields == 1 << 30  # 2 to the 100th
    chain = "{...F0}" + "".join(f"fragment F{n} on T {{...F{n + 1}}}" for n in range(1_500))
    assert measure(chain + "fragment F1500 on T {a}") == (1, 1, False)
    assert ours("{" + "a " * 20_000 + "}") is None  # more tokens than people write


@pytest.mark.parametrize("text", ["{ __schema { a } }", '{ a { b: __type(name: "T") { c } } }'])
def test_questions_about_the_schema_are_seen(text: str) -> None:
    assert measure(text).introspects
    assert not measure('{ __typename a(b: "__schema") __schemas }').introspects


_names = st.sampled_from(["a", "bc", "on", "query", "fragment", "type", "F0", "F1"])
_fragment_names = st.sampled_from(["F0", "F1", "F2"])
_arguments = st.sampled_from(
    ["", "(a: 1)", '(a: "}")', "(a: {b: [$c, 1]})", '(a: """{"""', '(a: """{""")']
)
_directives = st.sampled_from(["", " @d", " @d(e: true) @f"])


def _selections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    field = st.tuples(_names, _arguments, _directives, inner).map("".join)
    alias = st.tuples(_names, field).map(": ".join)
    spread = st.tuples(_fragment_names, _directives).map(lambda each: "..." + "".join(each))
    condition = st.tuples(st.sampled_from(["", "on T"]), _directives, _filled)
    inline = condition.map(lambda each: "... " + "".join(each))
    some = st.lists(st.one_of(field, alias, spread, inline), min_size=1, max_size=3)
    return some.map(lambda each: "{" + " ".join(each) + "}")


_filled: st.SearchStrategy[str] = st.deferred(lambda: st.just("{a}") | _selections(_nested))
_nested: st.SearchStrategy[str] = st.deferred(lambda: st.just("") | _selections(_nested))
_definitions = st.one_of(
    _filled,
    st.tuples(st.sampled_from(["query ", "mutation M", "query Q($a: T = {b: 1})"]), _filled).map(
        "".join
    ),
    st.tuples(_fragment_names, _filled).map(lambda each: f"fragment {each[0]} on T {each[1]}"),
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = " ".join(draw(st.lists(_definitions, min_size=1, max_size=4)))
    if draw(st.booleans()):  # something is missing, or stands twice
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", "{", "}", '"', "...", "#", ":", "(", "\n"]))
            + text[at + 1 :]
        )
    return text


@given(documents())
@example('{ a(b: """{""" """) }')
def test_any_document_is_read_as_the_reference_reads_it(text: str) -> None:
    expected = reference(text)
    if expected is not None:
        assert ours(text) == expected


@given(st.text(st.sampled_from('{}()[]:.@"\\#$!=|& \nab1_') | st.characters(), max_size=60))
def test_nothing_crashes_it(text: str) -> None:
    ours(text)
