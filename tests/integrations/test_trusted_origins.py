"""What an application told its framework of other origins is known without being told again."""

from __future__ import annotations

import re
import subprocess
import sys

from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from stockade.integrations.trusted_origins import trusted_by


def test_starlettes_layer_even_when_it_comes_later() -> None:
    app = Starlette()
    trusts = trusted_by(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["https://shop.example", "*"],
        allow_origin_regex=r"https://\w+\.partner\.example",
    )
    assert trusts("https://shop.example")
    assert trusts("https://a.partner.example")
    for origin in ("https://shopxexample", "*", "null", "https://a.partner.example.evil.example"):
        assert not trusts(origin)


def test_flasks_settings() -> None:
    app = Flask(__name__)
    trusts = trusted_by(app)
    app.config["CORS_ORIGINS"] = ["https://shop.example", re.compile("x"), "*"]
    assert trusts("https://shop.example")
    assert not trusts("https://evil.example")


def test_djangos_settings() -> None:
    program = """
import django
from django.conf import settings
settings.configure(
    CSRF_TRUSTED_ORIGINS=["https://*.shop.example", "https://one.example"],
    CORS_ALLOWED_ORIGINS=["https://two.example"],
    CORS_ALLOWED_ORIGIN_REGEXES=[r"https://\\d+\\.example"],
)
django.setup()
from django.core.wsgi import get_wsgi_application
from stockade.integrations.trusted_origins import trusted_by
trusts = trusted_by(get_wsgi_application())
for origin in ("https://a.shop.example", "https://one.example", "https://two.example",
               "https://3.example"):
    assert trusts(origin), origin
for origin in ("https://shop.example", "https://evil.example", "https://a.shop.example.evil.example",
               "https://a.shop.example:1"):
    assert not trusts(origin), origin
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_nothing_is_known_of_anything_else() -> None:
    assert not trusted_by(lambda scope, receive, send: None)("https://shop.example")
