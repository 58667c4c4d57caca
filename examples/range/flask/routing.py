"""A blueprint whose endpoints say what they take, so that `/openapi.json` can say it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint
from flask.typing import ResponseReturnValue

from examples.range.endpoints import Endpoint, Field

__all__ = ["Section"]

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Section(Blueprint):
    """The endpoints of one sink."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name)
        self.endpoints: list[Endpoint] = []

    def describe(
        self, method: str, rule: str, *fields: Field, out_of_reach: str = "", followed_by: str = ""
    ) -> Callable[[View], View]:
        """Route `method` and `rule` to a view that reads `fields`."""

        def add(view: View) -> View:
            name: Any = view.__name__
            summary = (view.__doc__ or "").partition("\n")[0]
            self.endpoints.append(
                Endpoint(method, rule, fields, name, summary, out_of_reach, followed_by)
            )
            self.add_url_rule(rule, name, view, methods=[method])
            return view

        return add
