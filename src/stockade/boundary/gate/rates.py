"""How often: token buckets in the store, by client, by principal, or for all together.

    [rates.sign-in]
    route = "/sign-in"
    methods = ["POST"]
    by = "client"
    rate = 0.2            # tokens a second
    burst = 5

`by = "principal"` counts for who is signed in, from the moment the application knows it, and in the
request that shows it. The store is shared by all workers, so a limit holds for the service.

**Fails** open: where the store cannot answer the request is served, and that is an event and a line
on standard error (`defence_failed`): a limit that stops a service would be the attack itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from stockade.core.bus import emit, say
from stockade.core.config import RateSettings
from stockade.core.errors import ConfigError, StoreError, Throttled
from stockade.core.events import Outcome
from stockade.core.head import Head, Refusal
from stockade.core.ports import Mac, Store

__all__ = ["Rates"]

# {id}, {rest:path}, <int:id>, <path:rest>: a parameter of Starlette's, Flask's and Django's routes.
_PARAMETER = re.compile(r"\{\w+(?::(?P<starlette>\w+))?\}|<(?:(?P<flask>\w+):)?\w+>")
_LONGEST_WAIT = 3_600.0


class _Limit(NamedTuple):
    name: str
    settings: RateSettings
    matches: Callable[[str], object] | None

    def concerns(self, request: Head) -> bool:
        methods = self.settings.methods
        return (not methods or request.method in methods) and (
            self.matches is None or self.matches(request.path) is not None
        )


class Rates:
    """The limits of one application."""

    def __init__(
        self,
        settings: Mapping[str, RateSettings],
        store: Callable[[], Store],
        mac: Callable[[], Mac],
    ) -> None:
        """`store` is opened at the first request that a limit concerns; `mac` names principals in
        its keys. Raises ConfigError for a limit that would refuse everything.
        """
        self._store, self._mac = store, mac
        limits = [_limit(name, each) for name, each in settings.items()]
        self._by_principal = [each for each in limits if each.settings.by == "principal"]
        self._others = [each for each in limits if each.settings.by != "principal"]
        self.asks_all = bool(self._others)
        self.asks_principals = bool(self._by_principal)

    def enter(self, request: Head) -> Refusal | None:
        """The first limit that this request exceeds, by its client or by all."""
        for limit in self._others:
            if limit.concerns(request):
                who = request.client if limit.settings.by == "client" else ""
                if (refusal := self._take(limit, who)) is not None:
                    return refusal
        return None

    def identified(self, request: Head) -> Refusal | None:
        """The first limit that the principal of this request exceeds, now that it is known."""
        for limit in self._by_principal:
            if limit.concerns(request):
                who = self._mac().fingerprint(request.principal)
                if (refusal := self._take(limit, who)) is not None:
                    return refusal
        return None

    def _take(self, limit: _Limit, who: str) -> Refusal | None:
        settings = limit.settings
        try:
            wait = self._store().take(
                f"rate:{limit.name}:{who}", capacity=settings.burst, rate=settings.rate
            )
        except StoreError as error:
            say(f"the limit rates.{limit.name} is not counted: {error}")
            emit(
                "defence_failed",
                Outcome.FAILED,
                "boundary",
                "The store cannot count requests: they are served without this limit.",
                rule=f"rates.{limit.name}",
            )
            return None
        if not wait:
            return None
        return Refusal(
            f"rates.{limit.name}",
            "excess_rate_limit_exceeded",
            Throttled(
                f"a client exceeded rates.{limit.name}",
                retry_after=min(math.ceil(wait), _LONGEST_WAIT),
            ),
        )


def _limit(name: str, settings: RateSettings) -> _Limit:
    if settings.burst < 1 or settings.rate <= 0:
        raise ConfigError(
            f"rates.{name}: rate is above 0 tokens a second and burst at least 1; "
            "anything else would refuse every request"
        )
    return _Limit(name, settings, _pattern(settings.route) if settings.route else None)


def _pattern(route: str) -> Callable[[str], object]:
    parts, end = [], 0
    for parameter in _PARAMETER.finditer(route):
        parts.append(re.escape(route[end : parameter.start()]))
        several = "path" in (parameter["starlette"], parameter["flask"])
        parts.append(".+" if several else "[^/]+")
        end = parameter.end()
    parts.append(re.escape(route[end:]))
    # A slash at the end is no way around a limit: frameworks redirect, or serve both.
    return re.compile("/?" + "".join(parts).removeprefix("/").rstrip("/") + "/*\\Z").match
