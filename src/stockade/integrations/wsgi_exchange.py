"""One HTTP request and its answer, for WSGI (PEP 3333).

`start_response` only notes what the application wants to answer; it reaches the server with the
first piece of the body, so that a refusal can still take its place until then. The exchange itself
is what the server iterates and closes: an object more would cost more than the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from stockade.core import spans
from stockade.core.context import variable
from stockade.core.errors import TITLES, StockadeError
from stockade.core.head import Reply
from stockade.integrations import gate
from stockade.integrations.exchange import Rules, next_id
from stockade.integrations.wsgi_request import Environ, WsgiRequest

__all__ = ["SECURITY_HEADERS", "App", "Headers", "StartResponse", "WsgiExchange"]

Headers: TypeAlias = list[tuple[str, str]]
StartResponse: TypeAlias = Callable[..., Any]
App: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

SECURITY_HEADERS = [
    (name.decode().title(), value.decode("latin-1")) for name, value in gate.TRANSPORT_HEADERS
]
_NAMES = (*(name for name, _ in SECURITY_HEADERS), "Set-Cookie")
_OWN_NAMES = frozenset(_NAMES) | frozenset(map(str.lower, _NAMES))
_LENGTH = frozenset(("Content-Length", "content-length"))
_BODILESS = frozenset((204, 304))


class WsgiExchange(WsgiRequest):
    """One HTTP request over WSGI and its answer."""

    __slots__ = (
        "_first",
        "_head",
        "_pieces",
        "_result",
        "_security",
        "_server_start",
        "_server_write",
    )

    _first: bytes | None
    _pieces: Iterator[bytes]
    _result: Iterable[bytes]

    def __init__(
        self,
        rules: Rules,
        environ: Environ,
        start_response: StartResponse,
        client: str,
        security: Headers,
        started: int,
    ) -> None:
        self.id = next_id()
        self.client = client
        self.principal = self.trace_id = self.span_id = self.parent_id = self.nonce = ""
        self.refusal = self._inputs = self.trace = None
        self._prepared = self._parameters = None
        self._rules = rules
        self.environ = environ
        self._server_start = start_response
        self._server_write: Callable[[bytes], object] | None = None
        self._security = security
        self._started = started
        self._head: tuple[str, Headers] | None = None
        self.status = self.received = self.sent = 0
        self.declared = -1
        self.answered = self.finished = False
        self.chunks = []

    # -- for the application ---------------------------------------------------------------------

    def start_response(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """What the application calls; raises what it brings where the answer is under way."""
        if self.answered:
            # The server knows whether it has sent anything, and raises if so.
            self._server_write = self._server_start(status, headers, exc_info)
        elif self._head is not None and exc_info is None:
            raise AssertionError("start_response was called twice")
        self._head = status, headers
        if spans.active is not None:
            self.note_span()
        self.status = int(status[:3]) if status[:3].isdigit() else 0
        return self.write

    def write(self, data: bytes) -> None:
        """The older way to send a body: before anything is returned."""
        if self.refusal is not None:
            raise self.too_late()
        self.commit()
        self.sent += len(data)
        if 0 <= self.declared < self.sent:
            self.check_length(last=False)
        if self._server_write is None:
            raise RuntimeError("this server has no write(): return the body instead")
        self._server_write(data)

    # -- for the server --------------------------------------------------------------------------

    def deliver(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """What the server gets to iterate for the application's `result`.

        The first piece is taken now, for it may yet be refused, and not when the server asks:
        granian reads status and headers before it iterates.
        """
        kind = type(result)
        is_list = kind is list or kind is tuple
        # Nothing of the application runs any more: servers send these their own, fast way.
        if is_list or kind is self.environ.get("wsgi.file_wrapper"):
            if self.refusal is None:
                if is_list:
                    self.sent += sum(map(len, result))
                    self.commit(whole=True)
                else:
                    self.commit()
                    self.declared = -1  # a file is the server's to send
                self.finish()
                return result
        else:
            try:
                self._pieces = iter(result)
                self._first = next(self._pieces, None)
                if self.refusal is None:
                    self.commit()
                    self._result = result
                    return self
            except BaseException:
                _close(result)
                raise
        _close(result)
        if self.answered:  # by write()
            raise self.too_late()
        return self.answer_refusal()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._first
        if chunk is not None:
            self._first = None
            return self._counted(chunk)
        token = variable.set(self)
        try:
            piece = next(self._pieces)
        except StockadeError as error:
            self.refuse(error)
            raise
        except StopIteration:
            if self.declared > self.sent:
                self.check_length(last=True)
            # Not left to `close`: Werkzeug passes that by where the client has gone meanwhile.
            self.finish()
            raise
        finally:
            variable.reset(token)
        if self.refusal is not None:
            # Too late to answer anything else: cut the answer short rather than let it go on.
            raise self.too_late()
        return self._counted(piece)

    def _counted(self, piece: bytes) -> bytes:
        self.sent += len(piece)
        if 0 <= self.declared < self.sent:
            self.check_length(last=False)
        return piece

    def close(self) -> None:
        """Called by every server but Werkzeug's, whatever happened."""
        token = variable.set(self)
        try:
            _close(self._result)
        finally:
            variable.reset(token)
            self.finish()

    def commit(self, *, whole: bool = False) -> None:
        """Hand status and headers to the server; from here on nothing can replace them.

        `whole`: the body is known, and counted.
        """
        if self.answered:
            return
        if self._head is None:
            raise RuntimeError("the application gave a body without calling start_response")
        status, headers = self._head
        for name, value in headers:
            if name in _LENGTH and value.isdigit() and self.status not in _BODILESS:
                self.declared = -1 if self.method == "HEAD" else int(value)
        if whole and self.declared not in (-1, self.sent):
            self.check_length(last=True)
        if self._security or self._rules.changes_answers:
            changes = self._rules.changes_answers
            for name, _ in () if changes else headers:
                if name in _OWN_NAMES:
                    changes = True
                    break
            headers = self._dressed(headers) if changes else [*headers, *self._security]
        self.answered = True
        self._server_write = self._server_start(status, headers)

    def _dressed(self, headers: Headers) -> Headers:
        """The headers of an answer, what the door makes of them, and the security headers."""
        sent = {name.lower() for name, _ in headers}
        ours = [header for header in self._security if header[0].lower() not in sent]
        headers = [*headers, *ours]
        door = self._rules.door
        if door is None:
            return headers
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        judge = self._rules.judge
        if judge is not None and self.refusal is None:
            refusal = judge(self, fields)
            if refusal is not None:
                self.stop(gate.Breach(*refusal))
        return _as_text(door.leave(self, fields))

    def answer_refusal(self) -> list[bytes]:
        """The refusal as a problem document; its status and headers go to the server at once."""
        assert self.refusal is not None  # noqa: S101  what `_has_to_refuse` has just seen
        return self._answer(*gate.answer(self.refusal, self.id))

    def reply(self, reply: Reply) -> list[bytes]:
        """An answer in the application's place."""
        return self._answer(reply.status, reply.headers, reply.body)

    def _answer(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> list[bytes]:
        self.status = status
        headers = _as_text(fields) + self._security
        if self.refusal is not None and self._rules.changes_answers:
            headers = self._dressed(_as_text(fields))  # who may read answers may read this one
        self.answered = True
        self._server_start(f"{status} {TITLES.get(status, 'Error')}", headers)
        self.sent = len(body)
        self.finish()
        return [] if self.method == "HEAD" or not body else [body]

    def too_late(self) -> StockadeError:
        """The error that cuts an answer short: part of it may have left."""
        return StockadeError("the request was refused while its answer was being sent")


def _as_text(fields: list[tuple[bytes, bytes]]) -> Headers:
    return [(name.decode().title(), value.decode("latin-1")) for name, value in fields]


def _close(result: object) -> None:
    close = getattr(result, "close", None)
    if close is not None:
        close()
