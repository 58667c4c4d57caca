"""Which framework an application is of, by the names of its classes."""

from __future__ import annotations

__all__ = ["framework"]

# By name: none of them may be imported to find out that an application is another's.
_FRAMEWORKS = {
    "starlette.applications.Starlette": "starlette",
    "flask.app.Flask": "flask",
    "django.core.handlers.wsgi.WSGIHandler": "django",
    "django.core.handlers.asgi.ASGIHandler": "django",
}


def framework(app: object) -> str | None:
    """Which framework's application `app` is; None for any other object."""
    for base in type(app).__mro__:
        found = _FRAMEWORKS.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found
    return None
