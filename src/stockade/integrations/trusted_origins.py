"""Origins that an application has already declared, in its framework's own CORS or CSRF settings.

Read when a page of another origin first asks: middleware and settings may come after `protect`. An
application that lets every origin in (`*`) has named none: nothing is trusted for that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

__all__ = ["trusted_by"]


def trusted_by(app: object) -> Callable[[str], bool]:
    """Whether pages of an origin may send to `app`, by what its framework was told.

    Known: Starlette's and FastAPI's CORSMiddleware, Django's CSRF_TRUSTED_ORIGINS, the settings of
    django-cors-headers, CORS_ORIGINS of flask-cors. Of anything else nothing is known.
    """

    @cache
    def patterns() -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, _declared(app)))

    return lambda origin: any(pattern.fullmatch(origin) for pattern in patterns())


def _declared(app: Any) -> Iterable[str]:
    for layer in getattr(app, "user_middleware", ()):
        if getattr(layer.cls, "__name__", "") == "CORSMiddleware":
            yield from _exact(layer.kwargs.get("allow_origins", ()))
            if pattern := layer.kwargs.get("allow_origin_regex"):
                yield pattern
    if hasattr(app, "wsgi_app"):  # Flask's
        origins = app.config.get("CORS_ORIGINS", ())
        yield from _exact([origins] if isinstance(origins, str) else origins)
    if "django.core.handlers.base" in sys.modules:
        from django.core.handlers.base import BaseHandler

        if isinstance(app, BaseHandler):
            yield from _declared_to_django()


def _declared_to_django() -> Iterable[str]:
    from django.conf import settings

    for origin in getattr(settings, "CSRF_TRUSTED_ORIGINS", ()):
        # Django's own wildcard: any host below this one.
        yield re.escape(origin).replace(r"://\*\.", r"://[a-z0-9.-]+\.")
    yield from _exact(getattr(settings, "CORS_ALLOWED_ORIGINS", ()))
    for pattern in getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ()):
        yield getattr(pattern, "pattern", pattern)


def _exact(origins: Iterable[object]) -> Iterable[str]:
    return (re.escape(origin) for origin in origins if isinstance(origin, str) and origin != "*")
