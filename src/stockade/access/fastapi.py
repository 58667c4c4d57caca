"""FastAPI: the session cookie, and dependencies that let in who may.

    Guard(sessions, policies, sign_in).install(app)

    @app.get("/patients/{id}", dependencies=[Depends(permit("read", patient))])
    def read(id: int, account: Annotated[str, Depends(signed_in)]) -> Patient: ...

The dependencies find the guard on the application, so routers need not import it; without one they
raise ConfigError, and nobody gets in. They are plain functions, which FastAPI runs in a thread: a
store may block. No `from __future__ import annotations` here, for FastAPI reads the annotations.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from stockade.access.entity import Entity
from stockade.access.policy import Policies
from stockade.access.sessions import Sessions
from stockade.access.signin import SignIn
from stockade.core import context as current_request
from stockade.core.bus import emit
from stockade.core.errors import ConfigError, Denied
from stockade.core.events import Outcome
from stockade.core.network import is_loopback
from stockade.core.same_origin import crosses_sites

try:
    from fastapi import Depends, FastAPI, Request, Response
except ImportError:
    raise ImportError(
        'this needs FastAPI, which is not installed: pip install "stockade[fastapi]"'
    ) from None

__all__ = ["Guard", "guard_of", "permit", "same_origin", "sign_in", "sign_out", "signed_in"]


class Guard:
    """What the dependencies of one application share."""

    def __init__(
        self,
        sessions: Sessions,
        policies: Policies | None = None,
        sign_in: SignIn | None = None,
        *,
        principal: Callable[[str], Entity] | None = None,
        cookie: str = "session",
        loopback_http: bool = False,
        trusted_origins: Collection[str] = (),
    ) -> None:
        """`principal` turns an account id into a Cedar entity, with its groups as parents.

        Without policies `permit` denies everything. `loopback_http` admits a cookie without
        `Secure` where the service is asked for by plain HTTP on a loopback host: for development.
        """
        self.sessions = sessions
        self.policies = policies
        self.sign_in = sign_in
        self.principal = principal or (lambda account: Entity("User", account))
        self.trusted_origins = frozenset(trusted_origins)
        self._cookie = cookie
        self._loopback_http = loopback_http

    def install(self, app: FastAPI) -> None:
        """Let the dependencies of `app`'s routes find this guard."""
        app.state.stockade_access = self

    def read_cookie(self, request: Request) -> str:
        """The token that the client sent, or an empty string."""
        return request.cookies.get(self._name(self._secure(request)), "")

    def set_cookie(self, request: Request, response: Response, token: str) -> None:
        """Give the client its token (ASVS 5.0 V3.3; RFC 6265bis for the `__Host-` prefix)."""
        secure = self._secure(request)
        response.set_cookie(
            self._name(secure),
            token,
            max_age=int(self.sessions.absolute),
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        response.headers["cache-control"] = "no-store"

    def clear_cookie(self, request: Request, response: Response) -> None:
        """Take the cookie back."""
        secure = self._secure(request)
        response.delete_cookie(
            self._name(secure), path="/", secure=secure, httponly=True, samesite="lax"
        )

    def _name(self, secure: bool) -> str:
        # __Host-: no sibling host and no plain-HTTP page can plant a cookie of this name.
        return "__Host-" + self._cookie if secure else self._cookie

    def _secure(self, request: Request) -> bool:
        # By default always: behind a proxy that ends TLS the scheme looks like plain HTTP.
        return not (
            self._loopback_http
            and request.url.scheme == "http"
            and is_loopback(request.url.hostname or "")
        )


def guard_of(request: Request) -> Guard:
    """The guard of the application that serves `request`. Raises ConfigError where none is."""
    guard = getattr(request.app.state, "stockade_access", None)
    if not isinstance(guard, Guard):
        raise ConfigError("this application has no access guard; call Guard(…).install(app)")
    return guard


def same_origin(request: Request) -> None:
    """Dependency: refuse what another site's page makes a browser send. Raises Denied (403).

    `signed_in` and `permit` include it; put it on the sign-in route, against login forgery. Its
    refusals are a visitor's misfortune, not an attack of theirs: rule `access.same-origin` must
    not count towards a ban.
    """
    headers = request.headers
    if crosses_sites(
        request.method,
        sec_fetch_site=headers.getlist("sec-fetch-site"),
        origin=headers.getlist("origin"),
        host=headers.get("host", ""),
        trusted=guard_of(request).trusted_origins,
    ):
        emit(
            "malicious_cors",
            Outcome.BLOCKED,
            "access",
            "A page of another site made the browser send this request.",
            rule="access.same-origin",
            method=request.method,
        )
        raise Denied("a request from another site may not change anything here")


def signed_in(request: Request, _: Annotated[None, Depends(same_origin)]) -> str:
    """Dependency: the account that is signed in. Raises Denied: 401, or 403 as `same_origin`."""
    guard = guard_of(request)
    token = guard.read_cookie(request)
    session = guard.sessions.check(token) if token else None
    if session is None:
        emit(
            "request_refused",
            Outcome.BLOCKED,
            "access",
            "This route needs a session, and the request has none that is valid.",
            rule="access.signed-in",
            token=bool(token),
        )
        raise Denied("no valid session; sign in first", status=401)
    return session.account


def permit(
    action: str,
    resource: Entity | Callable[[Request], Entity] | None = None,
    *,
    context: Callable[[Request], Mapping[str, Any]] | None = None,
) -> Callable[..., str]:
    """A dependency: the signed-in account, if the policies let it do `action` to `resource`.

    `resource` is an entity, or a plain function of the request; by default the route itself,
    `Route::"/patients/{id}"`. `context` adds what else policies look at. Raises Denied (401, 403).
    """

    def permitted(request: Request, account: Annotated[str, Depends(signed_in)]) -> str:
        guard = guard_of(request)
        if guard.policies is None:
            emit(
                "authz_fail",
                Outcome.BLOCKED,
                "access",
                "No policies are loaded, so nothing is permitted.",
                rule="access.policy",
                action=action,
            )
            raise Denied("no policies are loaded, so nothing is permitted; see access.policies")
        target = resource(request) if callable(resource) else resource
        decision = guard.policies.decide(
            guard.principal(account),
            action,
            target if target is not None else Entity("Route", _route(request)),
            None if context is None else context(request),
        )
        if not decision.allowed:
            raise Denied(
                "the policies do not permit this action; `stockade access explain` says why"
            )
        return account

    return permitted


def sign_in(request: Request, response: Response, name: str, password: str) -> str:
    """Sign in and set the cookie; the account id. For endpoints written with a plain `def`.

    Raises Throttled, Denied (401; 403 for a request from another site), StoreError.
    """
    guard = guard_of(request)
    if guard.sign_in is None:
        raise ConfigError("this application's Guard has no sign_in; pass a SignIn to it")
    same_origin(request)
    issued = guard.sign_in(name, password, replaces=guard.read_cookie(request) or None)
    guard.set_cookie(request, response, issued.token.reveal())
    working_for = current_request.current()
    if working_for is not None:
        working_for.identify(issued.session.account)
    return issued.session.account


def sign_out(request: Request, response: Response) -> bool:
    """End the session and take the cookie back; True if there was one. Raises Denied (403)."""
    same_origin(request)
    guard = guard_of(request)
    ended = guard.sessions.end(guard.read_cookie(request))
    guard.clear_cookie(request, response)
    return ended


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", ""))
