"""A value that shows itself nowhere, and the redaction of what must not reach a log."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Generic, NoReturn, TypeVar, cast

from stockade.core.errors import SecretError
from stockade.core.literals import Span, TextLiterals

__all__ = ["MASK", "SHORTEST", "Redactor", "Secret", "fingerprint"]

T = TypeVar("T")
MASK = "[redacted]"
SHORTEST = 4
"""Characters that a secret must have to be looked for in texts."""
_process_key = secrets.token_bytes(32)


class Secret(Generic[T]):
    """Holds a value, or a way to get it; only `reveal()` gives it out (CWE-532, CWE-209).

    repr, str, format, logging, tracebacks, `dataclasses.asdict`, Pydantic's errors and dumps show a
    mask; JSON and pickle refuse; a copy is the secret itself. One gap is Pydantic's: an error about
    a *sibling* field prints the whole input, so set `hide_input_in_errors=True` on such a model.
    """

    __slots__ = ("__weakref__", "_get", "label")

    def __init__(
        self, value: T | None = None, *, get: Callable[[], T] | None = None, label: str = ""
    ) -> None:
        """Either `value`, or `get`, called at each `reveal`; `label` may be shown to people."""
        if (value is None) == (get is None):
            raise SecretError("a Secret takes either a value or a way to get it: give exactly one")
        self._get: Callable[[], T] = get if get is not None else _constant(cast("T", value))
        self.label = label

    def reveal(self) -> T:
        """The value itself. Errors: SecretError where it cannot be resolved."""
        return self._get()

    def __repr__(self) -> str:
        return f"Secret({self.label + ': ' if self.label else ''}{MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        # The specification is dropped: a width or `s` must not be a way to the value.
        return repr(self)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self.reveal(), other.reveal()
        return hmac.compare_digest(
            repr(mine).encode("utf-8", "surrogatepass"),
            repr(theirs).encode("utf-8", "surrogatepass"),
        )

    # A hash of the value would be an oracle for it.
    __hash__ = None  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret[T]:
        return self

    def __reduce__(self) -> NoReturn:
        raise SecretError("a Secret is not pickled: pass its reference and resolve it there")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """As a Pydantic field: validates as the type inside, says and dumps only a mask."""
        from typing import get_args

        from pydantic_core import core_schema

        arguments = get_args(source)
        inner = handler.generate_schema(arguments[0]) if arguments else core_schema.any_schema()
        return core_schema.no_info_wrap_validator_function(
            cls._validate,
            inner,
            serialization=core_schema.plain_serializer_function_ser_schema(
                repr, return_schema=core_schema.str_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}

    @classmethod
    def _validate(cls, value: Any, inner: Callable[[Any], T]) -> Secret[T]:
        from pydantic_core import PydanticCustomError, ValidationError

        if isinstance(value, cls):
            return value
        try:
            return cls(inner(value))
        except ValidationError:
            pass
        # Raised out here, so that no __context__ leads back to an error that holds the input.
        error = PydanticCustomError("secret_invalid", "does not have the declared shape")
        raise ValidationError.from_exception_data(
            "Secret", [{"type": error, "loc": (), "input": MASK}], hide_input=True
        )


def _constant(value: T) -> Callable[[], T]:
    return lambda: value


def fingerprint(value: str | bytes) -> str:
    """12 hexadecimal digits of a keyed hash: equal values look equal within this process only."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.blake2b(data, key=_process_key, digest_size=6).hexdigest()


class Redactor:
    """Replaces every live secret of four characters or more in a text by a mask.

    `values` is called for each text; where it returns the very tuple of the last call, nothing is
    prepared again (`core.ports.LiveSecrets` keeps to that).
    """

    def __init__(self, values: Callable[[], Iterable[str]]) -> None:
        self._values = values
        self._prepared: tuple[object, TextLiterals] = (None, TextLiterals(()))

    def __call__(self, text: str) -> str:
        given = self._values()
        known, literals = self._prepared
        if given is not known or known is None:
            # Shorter ones would mask every other word.
            literals = TextLiterals(value for value in given if len(value) >= SHORTEST)
            self._prepared = (given if isinstance(given, tuple) else None, literals)
        spans = literals.spans(text)
        return _mask(text, spans) if spans else text


def _mask(text: str, spans: Iterable[Span]) -> str:
    """Mask what stands at `spans`; where they overlap, all of their characters go."""
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        if start >= end:
            pieces += (text[end:start], MASK)
        end = max(end, stop)
    return "".join((*pieces, text[end:]))
