"""The head of a request without a server, and a guarded bank that a forged request can rob."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.core.config import Settings, load

Bank = Callable[..., "Money"]


@dataclass
class Asked:
    """A `core.head.Head`."""

    method: str = "GET"
    path: str = "/"
    scheme: str = "https"
    client: str = "192.0.2.1"
    principal: str = ""
    nonce: str = ""
    status: int = 0
    target: str = "/"
    fields: dict[str, list[str]] = field(default_factory=dict)

    def field(self, name: str) -> list[str]:
        return self.fields.get(name, [])


@dataclass
class Money:
    """The bank's one account, and a browser that is signed in to it."""

    browser: TestClient
    moved: list[str]


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    def build(configuration: str = "", mode: str = "block", **middleware: Any) -> Money:
        moved: list[str] = []
        app = FastAPI()
        if middleware:
            from starlette.middleware.cors import CORSMiddleware

            app.add_middleware(CORSMiddleware, **middleware)

        @app.post("/transfer")
        @app.post("/saml/acs")
        def transfer(to: str = "me") -> dict[str, str]:
            moved.append(to)
            return {"moved": to}

        @app.get("/balance")
        def balance() -> dict[str, int]:
            return {"balance": 100}

        Stockade.protect(app, settings=settings(tmp_path, configuration, mode))
        browser = TestClient(app, base_url="https://bank.example")
        browser.cookies.set("session", "of-the-victim")
        return Money(browser, moved)

    return build


def settings(folder: Path, configuration: str, mode: str = "block") -> Settings:
    file = folder / "stockade.toml"
    quiet = f'[defence]\nmode = "{mode}"\n[watch]\nlog = ""\naudit = ""\n'
    file.write_text(quiet + '[store]\nurl = "memory"\n' + configuration)
    return load(file, {})
