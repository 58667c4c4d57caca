"""An e-mail address, as people have them: no comments, no quoted local part, no address literal.

Checked by the `email-validator` library without any DNS query, so that nobody can make this server
look up a domain. The domain comes out in lower case and both parts in Normalization Form C.

Sources: RFC 5321 (lengths), RFC 5322 3.4.1 (dot-atom), RFC 6531 (internationalised), ASVS 5.0
V1.3.11 (mail header injection), CWE-93.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any, Final, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stockade.core.errors import ConfigError

__all__ = ["MAX_LENGTH", "Email"]

MAX_LENGTH = 254
"""The longest address that SMTP carries: a path of 256 octets less its angle brackets."""

_MESSAGE: Final = "Expected an address such as name@host.org."


def check(value: str) -> str:
    """`value`, normalised. Raises PydanticCustomError with a constant message."""
    # Imported here: the library takes a while to load, and only users of this type need it.
    from email_validator import EmailNotValidError, validate_email

    try:
        address = validate_email(
            value,
            check_deliverability=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            allow_empty_local=False,
            strict=True,  # 64 octets before the @
        ).normalized
    except (EmailNotValidError, UnicodeError):  # the library's message quotes the address
        raise PydanticCustomError("stockade.email", _MESSAGE) from None
    if len(address) > MAX_LENGTH:  # normalising may lengthen it
        raise PydanticCustomError("stockade.email", _MESSAGE)
    return address


class _Email:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if find_spec("email_validator") is None:
            raise ConfigError(
                "boundary.Email needs the email-validator library: pip install 'stockade[email]'"
            )
        return core_schema.no_info_after_validator_function(
            check, core_schema.str_schema(strict=True, max_length=MAX_LENGTH)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "format": "email", "minLength": 3}


Email: TypeAlias = Annotated[str, _Email]
"""An e-mail address that can be put into a header or a database as it stands."""
