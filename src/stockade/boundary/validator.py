"""A validator of one's own in three lines: message, error, JSON schema and event come with it.

    @rejects("Expected a room such as B-12.", pattern="^[A-Z]-[0-9]{1,3}$")
    def room(value: str) -> str:
        building, _, number = value.partition("-")
        if not (building in BUILDINGS and number.isdigit()):
            raise ValueError
        return value

    Room = Annotated[str, room]

The function returns the value, coerced where that is safe, or raises ValueError; whatever that says
is not shown, for it may quote the value. The client learns the constant message, the event the
validator's name. Every type of `stockade.boundary.types` is made by this recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, LiteralString, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stockade.boundary.model import MAX_TEXT

__all__ = ["Validator", "rejects"]

T = TypeVar("T")


class Validator(Generic[T]):
    """Takes text, gives what the application may work with, or refuses with one constant message.

    Use it in `Annotated[str, validator]`, or call it: it raises PydanticCustomError, a ValueError.
    """

    def __init__(
        self,
        check: Callable[[str], T],
        message: LiteralString,
        *,
        min_length: int,
        max_length: int,
        schema: dict[str, Any],
        plain: str = "",
    ) -> None:
        self._check = check
        self.message: LiteralString = message
        self.name = check.__name__
        self.min_length, self.max_length = min_length, max_length
        self.schema = schema
        self.plain = plain

    def __call__(self, value: str) -> T:
        try:
            return self._check(value)
        except PydanticCustomError:
            raise  # a finer message of the validator's own
        except ValueError:
            raise self.refusal() from None

    def refusal(self) -> PydanticCustomError:
        """The error that says `message`."""
        # Their type is a constant of the program: the name of the function that checks.
        kind: Any = f"stockade.{self.name}"
        return PydanticCustomError(kind, self.message)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(
            strict=True, min_length=self.min_length, max_length=self.max_length
        )
        if not self.plain:
            return core_schema.no_info_after_validator_function(self, text)
        kind: Any = f"stockade.{self.name}"
        either = core_schema.union_schema(
            [
                core_schema.str_schema(pattern=self.plain, max_length=self.max_length),
                core_schema.no_info_plain_validator_function(self),
            ],
            mode="left_to_right",
            custom_error_type=kind,
            custom_error_message=self.message,
        )
        return core_schema.chain_schema([text, either])

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"description": self.message} | self.schema


def rejects(
    message: LiteralString,
    *,
    min_length: int = 1,
    max_length: int = MAX_TEXT,
    plain: str = "",
    **schema: Any,
) -> Callable[[Callable[[str], T]], Validator[T]]:
    """Make a validator of a function from text to what the application works with.

    `message` says what is expected, as a sentence for people, never what came. Lengths are in
    characters and are checked first. `schema` goes into the JSON schema (`pattern`, `format`,
    `examples` …), which documents but does not check. `plain` is a pattern in Rust's syntax: text
    that it matches is accepted as it stands, and only other text pays for the call of a Python
    function. The function must return such text unchanged, and has `message` for every refusal.
    """

    def make(check: Callable[[str], T]) -> Validator[T]:
        return Validator(
            check,
            message,
            min_length=min_length,
            max_length=max_length,
            schema=schema,
            plain=plain,
        )

    return make
