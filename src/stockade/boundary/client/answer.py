"""What another service answered: read whole, decoded, not yet believed."""

from __future__ import annotations

from typing import TypeVar

import httpx2
from pydantic import TypeAdapter

from stockade.boundary.client.contract import read_as
from stockade.boundary.client.telling import tell_contract
from stockade.core.errors import AnswerRejected, UpstreamError

__all__ = ["Answer"]

T = TypeVar("T")

_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}


class Answer:
    """The answer of the last hop; its repr shows neither URL nor content.

    `status`: the code, whatever it is. `headers`: case-insensitive. `content`: bytes, decoded.
    `url`: where it came from, after redirects.
    """

    __slots__ = ("_upstream", "content", "headers", "status", "url")

    def __init__(
        self, status: int, headers: httpx2.Headers, content: bytes, *, url: str, upstream: str
    ) -> None:
        """`upstream` is what events call the service."""
        self.status = status
        self.headers = headers
        self.content = content
        self.url = url
        self._upstream = upstream

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.content)} bytes>"

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def read(self, model: type[T] | TypeAdapter[T]) -> T:
        """The JSON content as a `model`, whatever the status. Raises AnswerRejected, an event."""
        return read_as(model, self.headers.get("content-type", ""), self.content, self._upstream)

    def expect(self, model: type[T] | TypeAdapter[T]) -> T:
        """As `read`, but raises UpstreamError for any status that is not 2xx.

        A 4xx is between the caller and the service; a 5xx is an event.
        """
        if self.ok:
            return self.read(model)
        if self.status >= 500:
            tell_contract(self._upstream, "client.status", status=self.status)
        raise UpstreamError(
            f"the service answered {self.status} where a 2xx was expected; call it without a model "
            "and look at the answer's status where that may happen",
            rule="client.status",
        )

    def text(self) -> str:
        """The content as text, by its declared charset (UTF-8 if none). Raises AnswerRejected."""
        charset = "utf-8"
        for part in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip('"').lower()
        try:
            return self.content.decode(_CHARSETS[charset])
        except (KeyError, UnicodeDecodeError):
            pass
        tell_contract(self._upstream, "client.contract", kinds=["charset"])
        raise AnswerRejected(
            "the answer is not text in the charset that it declares, or in one that is read here",
            rule="client.contract",
        )
