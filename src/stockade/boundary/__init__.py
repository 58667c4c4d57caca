"""Boundary: input is what its contract declares, or it is refused before the application sees it.

Declare each message as a `Model` (strict, closed, frozen, bounded) and each value that attackers
bend as one of the `types`; query strings and forms, whose values are all text, as `Parameters`:

    from stockade.boundary import Email, Line, Model, Text

    class NewPatient(Model):
        name: Line
        email: Email
        born: date
        remarks: Text = ""

Views declare what they accept: in FastAPI by their arguments, in Flask and Django by `accepts` of
`stockade.boundary.flask` and `.django`, consumers of queues by `consumes`, programs by
`takes_arguments`.

Validators of one's own are three lines (`rejects`), and come with message, schema and event. `run`
and `Root` are the safe ways to start a program and to open a file that a client names. Uploads wait
in a `Quarantine` until a contract (`Image`, `Archive`, `Csv`, `Document`) has judged them.

Four places refuse, and each raises `Rejected`, which the edge turns into problem+json without
echoing a value, and emits an `input_validation_fail` event:

* `check_body` looks at the bytes: what two parsers could read differently (duplicate keys, NaN,
  lone surrogates, other encodings, two names of one part) or what no parser should have to read
  (endless nesting, document types); what each kind of body may be, `stockade.boundary.bodies` says;
* `rejection` turns Pydantic's and FastAPI's validation errors into field problems;
* `validate`, `validate_json`, `validate_form` and `validate_lines` are the same for callers without
  a web framework: jobs, queues; `decode` gives them checked bytes as plain objects.

What it does not do: judge whether a well-formed value is dangerous further in. A `Text` may hold
`' OR 1=1 --`, because people write such things; that is the firewall's work, at the sink.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.boundary.arguments import takes_arguments
    from stockade.boundary.bodies.decoding import decode
    from stockade.boundary.body import check_body
    from stockade.boundary.consumers import consumes
    from stockade.boundary.gate.content_security import csp_nonce
    from stockade.boundary.gate.cookies import host_cookie
    from stockade.boundary.gate.csrf_token import CsrfTokens
    from stockade.boundary.gate.steps import Steps
    from stockade.boundary.model import Model, Parameters
    from stockade.boundary.problems import (
        rejection,
        validate,
        validate_form,
        validate_json,
        validate_lines,
    )
    from stockade.boundary.program import run
    from stockade.boundary.root import Root
    from stockade.boundary.script import script_json
    from stockade.boundary.types.base64_bytes import Base64Bytes, Base64UrlBytes
    from stockade.boundary.types.card_number import CardNumber
    from stockade.boundary.types.command_arg import CommandArg
    from stockade.boundary.types.country import CountryCode
    from stockade.boundary.types.currency import CurrencyCode
    from stockade.boundary.types.email import Email
    from stockade.boundary.types.filename import Filename
    from stockade.boundary.types.format_text import format_text
    from stockade.boundary.types.hostname import Hostname
    from stockade.boundary.types.html import Html
    from stockade.boundary.types.iban import Iban
    from stockade.boundary.types.identifier import Identifier, SortKey, sort_key
    from stockade.boundary.types.ip_address import IpAddress
    from stockade.boundary.types.json_text import Json
    from stockade.boundary.types.money import Money
    from stockade.boundary.types.name import Name
    from stockade.boundary.types.pattern import Regex
    from stockade.boundary.types.phone import Phone, phone
    from stockade.boundary.types.relative_path import RelativePath
    from stockade.boundary.types.slug import Slug
    from stockade.boundary.types.text import Line, Text, text
    from stockade.boundary.types.url import HttpUrl, PublicUrl
    from stockade.boundary.uploads.archive import Archive
    from stockade.boundary.uploads.clamd import Clamd
    from stockade.boundary.uploads.csv_file import Csv
    from stockade.boundary.uploads.csv_lines import csv_lines
    from stockade.boundary.uploads.document import Document
    from stockade.boundary.uploads.downloads import content_disposition, download_headers
    from stockade.boundary.uploads.image import Image
    from stockade.boundary.uploads.quarantine import Quarantine
    from stockade.boundary.uploads.quota import Quota
    from stockade.boundary.uploads.upload import Upload
    from stockade.boundary.validator import rejects

__all__ = [
    "Archive",
    "Base64Bytes",
    "Base64UrlBytes",
    "CardNumber",
    "Clamd",
    "CommandArg",
    "CountryCode",
    "CsrfTokens",
    "Csv",
    "CurrencyCode",
    "Document",
    "Email",
    "Filename",
    "Hostname",
    "Html",
    "HttpUrl",
    "Iban",
    "Identifier",
    "Image",
    "IpAddress",
    "Json",
    "Line",
    "Model",
    "Money",
    "Name",
    "Parameters",
    "Phone",
    "PublicUrl",
    "Quarantine",
    "Quota",
    "Regex",
    "RelativePath",
    "Root",
    "Slug",
    "SortKey",
    "Steps",
    "Text",
    "Upload",
    "check_body",
    "consumes",
    "content_disposition",
    "csp_nonce",
    "csv_lines",
    "decode",
    "download_headers",
    "format_text",
    "host_cookie",
    "phone",
    "rejection",
    "rejects",
    "run",
    "script_json",
    "sort_key",
    "takes_arguments",
    "text",
    "validate",
    "validate_form",
    "validate_json",
    "validate_lines",
]

_HOME = {
    "Archive": "uploads.archive",
    "Base64Bytes": "types.base64_bytes",
    "Base64UrlBytes": "types.base64_bytes",
    "CardNumber": "types.card_number",
    "check_body": "body",
    "Clamd": "uploads.clamd",
    "CommandArg": "types.command_arg",
    "consumes": "consumers",
    "content_disposition": "uploads.downloads",
    "CountryCode": "types.country",
    "csp_nonce": "gate.content_security",
    "CsrfTokens": "gate.csrf_token",
    "Csv": "uploads.csv_file",
    "csv_lines": "uploads.csv_lines",
    "CurrencyCode": "types.currency",
    "decode": "bodies.decoding",
    "Document": "uploads.document",
    "download_headers": "uploads.downloads",
    "Email": "types.email",
    "Filename": "types.filename",
    "format_text": "types.format_text",
    "host_cookie": "gate.cookies",
    "Hostname": "types.hostname",
    "Html": "types.html",
    "HttpUrl": "types.url",
    "Iban": "types.iban",
    "Identifier": "types.identifier",
    "Image": "uploads.image",
    "IpAddress": "types.ip_address",
    "Json": "types.json_text",
    "Line": "types.text",
    "Model": "model",
    "Money": "types.money",
    "Name": "types.name",
    "Parameters": "model",
    "Phone": "types.phone",
    "phone": "types.phone",
    "PublicUrl": "types.url",
    "Quarantine": "uploads.quarantine",
    "Quota": "uploads.quota",
    "Regex": "types.pattern",
    "rejection": "problems",
    "rejects": "validator",
    "RelativePath": "types.relative_path",
    "Root": "root",
    "run": "program",
    "script_json": "script",
    "Slug": "types.slug",
    "sort_key": "types.identifier",
    "SortKey": "types.identifier",
    "Steps": "gate.steps",
    "takes_arguments": "arguments",
    "Text": "types.text",
    "text": "types.text",
    "Upload": "uploads.upload",
    "validate": "problems",
    "validate_form": "problems",
    "validate_json": "problems",
    "validate_lines": "problems",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
