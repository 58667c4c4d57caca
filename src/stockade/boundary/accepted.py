"""What a view declares that it accepts, and how a request is held to it, whatever the framework.

`boundary.flask` and `boundary.django` say how a request is read; here is what it must be:

* `body`: one JSON document, through the strict pass, of the type `application/json` or `+json`;
* `form`: a urlencoded or multipart form; `files` names its files, which a `Quarantine` judges;
* `query`: the query string.

A name that comes twice is refused unless its field is a list, since one parser reads the first and
the next one the last (ASVS 5.0 V1.5.3). So is a body where none is declared, and a file whose name
is not. A query string is left alone where none is declared: links come with parameters of others.
Browsers send every field of a form: an empty one counts as absent where the field has a default.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable
from typing import Annotated, Any, Protocol, TypeVar, Union, cast, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from stockade.boundary.bodies.form import read_form
from stockade.boundary.bodies.media_type import media_type
from stockade.boundary.bodies.refusal import refuse, reported
from stockade.boundary.model import Model, Parameters
from stockade.boundary.problems import rejection, validate, validate_json
from stockade.core.errors import Rejected

__all__ = ["Contract", "Incoming", "held_to", "parameters"]

M = TypeVar("M", bound=Parameters)
R = TypeVar("R")

MAX_FIELDS = 1_000
MAX_FIELD_BYTES = 1 << 20
_LISTS = (list, tuple, set, frozenset)


class Incoming(Protocol):
    """One request, as a framework tells of it; nothing is read before it is asked for."""

    content_type: str
    query: bytes

    def has_body(self) -> bool: ...
    def body(self) -> bytes: ...
    def fields(self) -> Iterable[tuple[str, str]]: ...
    def files(self) -> Iterable[str]: ...


class Contract:
    """What a view accepts."""

    def __init__(
        self,
        *,
        body: type[Model] | None,
        query: type[Parameters] | None,
        form: type[Parameters] | None,
        files: Collection[str],
    ) -> None:
        """Raises TypeError for a declaration that cannot be kept."""
        if body is not None and (form is not None or files):
            raise TypeError("a view accepts a JSON body or a form, not both: split it in two")
        if body is not None and issubclass(body, Parameters):
            raise TypeError(f"{body.__name__} is for text: JSON has types, declare it as a Model")
        for place, model in (("query", query), ("form", form)):
            if model is not None and not issubclass(model, Parameters):
                raise TypeError(f"a {place} is text: declare {model.__name__} as Parameters")
        if isinstance(files, str):
            raise TypeError('files are several names: write files=["photo"]')
        self.body, self.query, self.form, self.files = body, query, form, frozenset(files)

    def read(self, incoming: Incoming) -> dict[str, Model]:
        """The models, by the name of the view's argument. Raises Rejected, which is an event."""
        found: dict[str, Model] = {}
        if self.query is not None:
            with reported():
                pairs = read_form(incoming.query, MAX_FIELDS, MAX_FIELD_BYTES)
            found["query"] = parameters(self.query, pairs, place="query")
        if self.body is not None:
            found["body"] = self._json(self.body, incoming)
        elif self.form is not None or self.files:
            self._check_form(incoming)
            if self.form is not None:
                filled = _filled(self.form, incoming.fields())
                found["form"] = parameters(self.form, filled, place="body")
        elif incoming.has_body():
            raise _refused("stockade.undeclared", "No body is declared here.")
        return found

    def check_view(self, view: Callable[..., Any]) -> None:
        """Raise TypeError where `view` does not take what it is going to get."""
        taken = inspect.signature(view).parameters
        takes_all = any(one.kind is one.VAR_KEYWORD for one in taken.values())
        hints = _hints(view)
        for name in ("body", "query", "form"):
            model = getattr(self, name)
            if model is None:
                continue
            if name not in taken and not takes_all:
                raise TypeError(f"{view.__qualname__} has no argument {name!r} for what it accepts")
            hint = hints.get(name, model)
            if isinstance(hint, type) and not issubclass(model, hint):
                raise TypeError(
                    f"{view.__qualname__} accepts {name}={model.__name__} and says it is a "
                    f"{hint.__name__}"
                )

    def _json(self, model: type[Model], incoming: Incoming) -> Model:
        body = incoming.body()
        if not body:
            raise _refused("missing")
        with reported():
            _check_kind(incoming.content_type, ("json",), "This address takes JSON only.")
        return validate_json(model, body)

    def _check_form(self, incoming: Incoming) -> None:
        with reported():
            if incoming.content_type:  # an empty form has none
                kinds = ("form", "multipart")
                _check_kind(incoming.content_type, kinds, "This address takes forms only.")
            elif incoming.has_body():
                refuse("type", "This address takes forms only.", 415)
        if not self.files.issuperset(incoming.files()):
            raise _refused("stockade.undeclared", "This holds a file that is not declared.")


def parameters(model: type[M], pairs: Iterable[tuple[str, str]], *, place: str) -> M:
    """Names and values, all of them text, as a `model`. Raises Rejected, which is an event."""
    lists = _list_names(model)
    values: dict[str, Any] = {}
    repeated: dict[str, dict[str, Any]] = {}
    for name, value in pairs:
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            error = {"type": "stockade.repeated", "msg": "This may come only once.", "loc": (name,)}
            repeated[name] = error
        else:
            values[name] = value
    if repeated:
        raise rejection(repeated.values(), place=place)
    return validate(model, values, place=place)


def held_to(
    contract: Contract, view: Callable[..., R], incoming: Callable[[tuple[Any, ...]], Incoming]
) -> Callable[..., R]:
    """`view`, called with what `contract` makes of the request; a coroutine function stays one."""
    contract.check_view(view)

    if inspect.iscoroutinefunction(view):

        @functools.wraps(view)
        async def accept_async(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs, **contract.read(incoming(args)))

        return cast("Callable[..., R]", accept_async)

    @functools.wraps(view)
    def accept(*args: Any, **kwargs: Any) -> R:
        return view(*args, **kwargs, **contract.read(incoming(args)))

    return accept


def _refused(kind: str, message: str = "") -> Rejected:
    return rejection([{"type": kind, "msg": message, "loc": ()}], place="body")


def _check_kind(content_type: str, kinds: tuple[str, ...], detail: typing.LiteralString) -> None:
    if not content_type or media_type(content_type).kind not in kinds:
        refuse("type", detail, 415)


def _filled(model: type[Parameters], pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    optional = _names_of(model, lambda field: not field.is_required())
    return ((name, value) for name, value in pairs if value or name not in optional)


@functools.cache
def _list_names(model: type[Parameters]) -> frozenset[str]:
    return _names_of(model, lambda field: _is_list(field.annotation))


def _names_of(model: type[Parameters], wanted: Callable[[FieldInfo], bool]) -> frozenset[str]:
    """The names by which those fields of `model` come that are `wanted`."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        if wanted(field):
            alias = field.validation_alias or field.alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [alias or name]
            names.update(choice for choice in choices if isinstance(choice, str))
            if model.model_config.get("populate_by_name") or model.model_config.get(
                "validate_by_name"
            ):
                names.add(name)
    return frozenset(names)


def _is_list(annotation: Any) -> bool:
    annotation = getattr(annotation, "__value__", annotation)  # of `type Tags = list[Slug]`
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_list(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return any(map(_is_list, get_args(annotation)))
    kind = origin or annotation
    return isinstance(kind, type) and issubclass(kind, _LISTS)


def _hints(view: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(view)
    except (AttributeError, NameError, TypeError):
        return {}  # a name that is known to the type checker alone
