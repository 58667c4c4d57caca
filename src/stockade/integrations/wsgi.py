"""WSGI (PEP 3333): the same gate, refusals and access event as for ASGI.

A server's threads serve one request after the other, and the answer is iterated after the
application has returned: the request's context is set exactly while code of the application runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import itemgetter
from time import perf_counter_ns

from stockade.core.config import Settings
from stockade.core.context import variable
from stockade.core.errors import StockadeError
from stockade.core.head import Door, Reply
from stockade.core.network import TrustedProxies
from stockade.integrations import gate
from stockade.integrations.exchange import BodyCheck, Rules
from stockade.integrations.reports import WsgiReports
from stockade.integrations.wsgi_exchange import (
    SECURITY_HEADERS,
    App,
    Headers,
    StartResponse,
    WsgiExchange,
)
from stockade.integrations.wsgi_input import Body
from stockade.integrations.wsgi_request import Environ

__all__ = ["Guard"]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TEXTS = frozenset(("CONTENT_TYPE", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_URI"))
_MAX_SHAPES = 256
_ON_TLS_ONLY = len(gate.SECURITY_HEADERS)


class Guard:
    """A WSGI application around another one; inside another guard it only passes on."""

    def __init__(
        self, app: App, settings: Settings, check_body: BodyCheck, door: Door | None = None
    ) -> None:
        request = settings.request
        self.app = app if door is None or not door.report_path else WsgiReports(app, door)
        self.stockade: object = None
        self._rules = Rules.of(settings, check_body, door)
        self._door = door
        self._asks_all = door is not None and door.asks_all
        self._headers: Headers = SECURITY_HEADERS[:_ON_TLS_ONLY] if self._rules.headers else []
        self._headers_on_tls: Headers = SECURITY_HEADERS if self._rules.headers else []
        self._limits = request
        self._least = min(request.max_path, request.max_query, request.max_header_bytes // 2)
        self._check = gate.HeaderCheck(request)
        self._served = self._check.served if request.hosts else None
        self._allow = gate.RateLimit(request.rate, request.burst) if request.rate else None
        self._proxies = TrustedProxies(request.trusted_proxies) or None
        self._texts: dict[tuple[str, ...], Callable[[Environ], tuple[str, ...]]] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        outer = variable.get()
        if outer is not None and getattr(outer, "environ", None) is environ:
            return self.app(environ, start_response)
        started = perf_counter_ns()
        client = environ.get("REMOTE_ADDR") or ""
        if self._proxies is not None:
            client = self._proxies.client(client, environ.get("HTTP_X_FORWARDED_FOR", ""))
        on_tls = environ["wsgi.url_scheme"] == "https"
        security = self._headers_on_tls if on_tls else self._headers
        exchange = WsgiExchange(self._rules, environ, start_response, client, security, started)
        if "HTTP_TRACEPARENT" in environ:
            exchange.continue_trace(environ["HTTP_TRACEPARENT"], environ.get("HTTP_TRACESTATE", ""))
        token = variable.set(exchange)
        try:
            breach = self._breach(environ, exchange, started)
            # Only browsers send these fields; most of their requests are GETs of our own pages.
            if (
                breach is None
                and self._door is not None
                and (
                    self._asks_all
                    or "HTTP_ORIGIN" in environ
                    or ("HTTP_SEC_FETCH_SITE" in environ and environ["REQUEST_METHOD"] != "GET")
                )
            ):
                answer = exchange.enter(self._door)
                if isinstance(answer, Reply):
                    return exchange.reply(answer)
                breach = answer
            if breach is not None:
                exchange.stop(breach)
            return exchange.deliver(self.app(environ, exchange.start_response))
        except Exception as error:
            if isinstance(error, StockadeError):
                exchange.refuse(error)
            if exchange.refusal is None or exchange.answered:
                exchange.status = exchange.status if exchange.answered else 500
                exchange.finish()
                raise
            return exchange.answer_refusal()
        finally:
            variable.reset(token)

    def _breach(self, environ: Environ, exchange: WsgiExchange, started: int) -> gate.Breach | None:
        """The first limit that is broken; puts our stream between server and application."""
        get = environ.get
        host, breach = get("HTTP_HOST", ""), None
        # Most clients of a server send the same fields, short ones: what all of them hold together
        # is within every limit, at the price of one comparison.
        texts = self._texts.get(tuple(environ))
        if (
            texts is None
            or len("".join(texts(environ))) > self._least
            or environ["REQUEST_METHOD"] not in gate.METHODS
            or (self._served is not None and host.encode("latin-1") not in self._served)
        ):
            breach = self._unusual(environ)
        if self._allow is not None and not self._allow(exchange.client, started):
            breach = breach or gate.RATE
        places = self._rules.places
        if places is not None and not places.enter():
            breach = breach or gate.BUSY
        # A server joins what came twice by a comma, which no host and no length can hold.
        if "," in host or ("," in get("CONTENT_TYPE", "") and _is_double(environ["CONTENT_TYPE"])):
            breach = breach or gate.TWICE
        declared, length = get("CONTENT_LENGTH"), -1
        if declared:
            if declared.isascii() and declared.isdigit():
                length = int(declared)
            else:
                breach = breach or gate.LENGTH
            if length > self._rules.max_body:
                breach = breach or gate.BODY
        environ["wsgi.input"] = Body(environ["wsgi.input"], exchange, length)
        return breach

    def _unusual(self, environ: Environ) -> gate.Breach | None:
        """Each limit by itself; remembers under which keys the client's texts stand."""
        get = environ.get
        target = get("RAW_URI") or get("REQUEST_URI") or get("PATH_INFO", "")
        path_size, query_size = len(target.partition("?")[0]), len(get("QUERY_STRING", ""))
        headers = _as_sent(environ)
        breach = self._check(environ["REQUEST_METHOD"], path_size, query_size, headers)
        names = sum(len(name) for name, _ in headers)
        keys = [key for key in environ if key in _TEXTS or key[:5] == "HTTP_"]
        fit = breach is None and names <= self._limits.max_header_bytes - self._least
        if fit and len(keys) > 1:  # of one alone itemgetter gives no tuple
            if len(self._texts) >= _MAX_SHAPES:
                self._texts.clear()
            self._texts[tuple(environ)] = itemgetter(*keys)
        return breach


def _is_double(content_type: str) -> bool:
    """Whether two types stand there: a parameter may hold a comma, in quotes."""
    return "," in content_type.partition(";")[0] or "," in _QUOTED.sub("", content_type)


def _as_sent(environ: Environ) -> list[tuple[bytes, bytes]]:
    """The header fields as the client may have sent them."""
    return [
        (
            key.removeprefix("HTTP_").lower().replace("_", "-").encode("latin-1"),
            value.encode("latin-1", "replace"),
        )
        for key, value in environ.items()
        if key[:5] == "HTTP_" or (key == "CONTENT_TYPE" and value)
    ]
