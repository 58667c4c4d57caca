"""Django, configured in one place: a database, addresses, and no part that is not needed."""

from __future__ import annotations

import secrets

import django
from django.conf import settings

from examples.range.data import database_file

__all__ = ["configure"]


def configure() -> None:
    """Set up Django, once, before any model is defined."""
    if settings.configured:
        return
    settings.configure(
        DEBUG=False,
        SECRET_KEY=secrets.token_hex(),
        ALLOWED_HOSTS=["*"],  # `loopback` is stricter
        ROOT_URLCONF="examples.range.django.application",
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database_file())}
        },
        MIDDLEWARE=["examples.range.django.application.only_on_loopback"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()
