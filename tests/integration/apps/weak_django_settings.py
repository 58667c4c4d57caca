"""Django's settings are a process's own: whichever test comes first makes the same."""

import os
from typing import Any

SETTINGS: dict[str, Any] = {
    "ROOT_URLCONF": "weak_django",
    "ALLOWED_HOSTS": ["*"],
    "DEBUG": os.environ.get("WEAK_DEBUG") == "1",
    "SECRET_KEY": "-",
    "STATIC_URL": "static/",
    "INSTALLED_APPS": ["django.contrib.staticfiles"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}},
    "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"],
}
