"""Declarations that cannot be kept, and text that arrives as pairs of names and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, Field

from stockade.boundary import Model, Parameters, Slug
from stockade.boundary.accepted import Contract, parameters
from stockade.core.errors import Rejected
from stockade.core.events import Event

Tags = Annotated[list[Slug], Field(max_length=3)]


class Order(Model):
    item: str


class Search(Parameters):
    name: str | None = None
    limit: Annotated[int, Field(ge=1)] = 50
    tag: Tags = Field(default=[])
    maybe: list[int] | None = None
    size: int = Field(default=1, validation_alias=AliasChoices("size", "page-size"))
    kind: set[str] = Field(default=set(), alias="type")


def contract(**declared: Any) -> Contract:
    return Contract(**{"body": None, "query": None, "form": None, "files": ()} | declared)


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ({"body": Order, "form": Search}, "not both"),
        ({"body": Order, "files": ["photo"]}, "not both"),
        ({"body": Search}, "as a Model"),
        ({"query": Order}, "as Parameters"),
        ({"form": Order}, "as Parameters"),
        ({"files": "photo"}, "several names"),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_an_error_at_once(
    declared: dict[str, Any], why: str
) -> None:
    with pytest.raises(TypeError, match=why):
        contract(**declared)


def takes_nothing() -> None: ...


def takes_another(query: Order) -> None: ...


def takes_it(query: Search) -> None: ...


def takes_its_base(query: Parameters) -> None: ...


def takes_anything(**kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("view", "why"), [(takes_nothing, "no argument 'query'"), (takes_another, "says it is a Order")]
)
def test_a_view_that_does_not_take_what_it_gets_is_an_error_at_once(
    view: Callable[..., None], why: str
) -> None:
    with pytest.raises(TypeError, match=why):
        contract(query=Search).check_view(view)


@pytest.mark.parametrize("view", [takes_it, takes_its_base, takes_anything])
def test_a_view_that_takes_it_is_none(view: Callable[..., None]) -> None:
    contract(query=Search).check_view(view)


def test_values_become_what_is_declared_and_lists_take_several() -> None:
    pairs = [("limit", "7"), ("tag", "a"), ("tag", "b"), ("maybe", "1"), ("type", "x")]
    found = parameters(Search, [*pairs, ("page-size", "9")], place="query")
    assert (found.limit, found.tag, found.maybe, found.kind) == (7, ["a", "b"], [1], {"x"})
    assert found.size == 9


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([("name", "a"), ("name", "b")], ("/query/name", "This may come only once.")),
        ([("limit", "1"), ("limit", "1")], ("/query/limit", "This may come only once.")),
        ([("size", "1"), ("page-size", "2")], ("/query", "This holds a field that is not")),
        ([("Canary", "1")], ("/query", "This holds a field that is not declared.")),
        ([("Canary", "1"), ("Canary", "2")], ("/query/*", "This may come only once.")),
        ([("limit", "Canary")], ("/query/limit", "Expected a whole number.")),
        ([("tag", "a")] * 4, ("/query/tag", "The length may be at most 3.")),
    ],
)
def test_what_does_not_match_is_refused_by_place_and_never_echoed(
    pairs: list[tuple[str, str]], problem: tuple[str, str], events: list[Event]
) -> None:
    with pytest.raises(Rejected) as refused:
        parameters(Search, pairs, place="query")
    told = {(one.pointer, one.detail[: len(problem[1])]) for one in refused.value.errors}
    assert problem in told
    assert "Canary" not in str(refused.value.problem())
    undeclared = all("is not" in detail for _, detail in told)
    name = "malicious_extraneous" if undeclared else "input_validation_fail"
    assert [event.name for event in events] == [name]
    assert "Canary" not in str(events)


@given(st.lists(st.tuples(st.sampled_from(["name", "limit", "tag", "x"]), st.text(max_size=9))))
def test_any_pairs_are_a_model_or_a_refusal(pairs: list[tuple[str, str]]) -> None:
    try:
        found = parameters(Search, pairs, place="query")
    except Rejected:
        return
    names = [name for name, _ in pairs if name != "tag"]
    assert len(names) == len(set(names))
    assert list(found.tag) == [value for name, value in pairs if name == "tag"]
