"""The contract of a message: a Pydantic model with the doors closed.

`Model` is for JSON bodies and for data between parts of a program; `Parameters` is for query
strings, paths, headers and forms, where every value arrives as text.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from stockade.boundary.spelling import admit_spellings

__all__ = ["MAX_TEXT", "Model", "Parameters"]

_VALIDATORS = frozenset(("function-after", "function-before", "function-wrap"))

MAX_TEXT = 4_096
"""Characters of a string that declares no length of its own."""


class Model(BaseModel):
    """A message that is exactly what it declares, or refused (ASVS 5.0 V2.2.1, V2.1.1).

    * `strict`: no "yes" for a boolean, no "1" for a number (V2.2.1). Dates, UUIDs, enums, decimals,
      tuples and sets take their standard JSON spelling, because JSON has no other.
    * `extra="forbid"`: nobody sets a field that was not offered, such as `is_admin` (V15.3.3).
    * `frozen`: what was checked is what is used.
    * no NaN and no infinity; a number too large for a double is infinity, and refused.
    * a string that declares no `max_length` holds at most `MAX_TEXT` characters (V2.2.1).
    * an error does not carry the input, which may be a password (V16.2.5).

    Validation raises pydantic.ValidationError; `stockade.boundary.rejection` makes a `Rejected`
    of it, and in a protected FastAPI application that happens by itself.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        str_max_length=MAX_TEXT,
    )

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        schema = handler(source)
        model: Any = handler.resolve_ref_schema(schema)
        while model["type"] in _VALIDATORS:  # what `model_validator` puts around it
            model = handler.resolve_ref_schema(model["schema"])
        if model["type"] == "model":
            model["schema"] = admit_spellings(model["schema"], handler)
        return schema


class Parameters(Model):
    """The same closed doors for values that arrive as text: query, path, header, cookie, form.

    "12" is a number here and "true" a boolean, since a query string cannot say it differently.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=False)
