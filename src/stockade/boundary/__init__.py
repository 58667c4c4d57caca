"""Boundary: input is what its contract declares, or it is refused before the application sees it.

Declare each message as a `Model` (strict, closed, frozen, bounded) and each value that attackers
bend as one of the `types`; query strings and forms, whose values are all text, as `Parameters`:

    from stockade.boundary import Email, Line, Model, Text

    class NewPatient(Model):
        name: Line
        email: Email
        born: date
        remarks: Text = ""

Four places refuse, and each raises `Rejected`, which the edge turns into problem+json without
echoing a value, and emits an `input_validation_fail` event:

* `check_body` looks at the bytes: what two parsers could read differently (duplicate keys, NaN,
  lone surrogates, other encodings) or what no parser should have to read (endless nesting);
* `rejection` turns Pydantic's and FastAPI's validation errors into field problems;
* `validate` and `validate_json` are the same for callers without a web framework: jobs, queues.

What it does not do: judge whether a well-formed value is dangerous further in. A `Text` may hold
`' OR 1=1 --`, because people write such things; that is the firewall's work, at the sink.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.boundary.body import check_body
    from stockade.boundary.model import Model, Parameters
    from stockade.boundary.problems import rejection, validate, validate_json
    from stockade.boundary.types.email import Email
    from stockade.boundary.types.filename import Filename
    from stockade.boundary.types.text import Line, Text, text

__all__ = [
    "Email",
    "Filename",
    "Line",
    "Model",
    "Parameters",
    "Text",
    "check_body",
    "rejection",
    "text",
    "validate",
    "validate_json",
]

_HOME = {
    "Email": "types.email",
    "Filename": "types.filename",
    "Line": "types.text",
    "Model": "model",
    "Parameters": "model",
    "Text": "types.text",
    "check_body": "body",
    "rejection": "problems",
    "text": "types.text",
    "validate": "problems",
    "validate_json": "problems",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
