"""Cookies get the flags that they lack, and nothing else of them changes."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary import host_cookie
from stockade.boundary.gate.cookies import harden
from stockade.core.errors import ConfigError
from tests.boundary.gate.conftest import settings


def hardened(header: str, *, secure: bool = True, http_only: bool = False) -> str:
    names = frozenset({b"csrftoken"})
    value = harden(header.encode(), secure=secure, http_only=http_only, script_cookies=names)
    return value.decode()


def test_what_is_missing_is_added() -> None:
    assert hardened("id=1; Path=/") == "id=1; Path=/; SameSite=Lax; Secure"
    assert hardened("id=1", secure=False) == "id=1; SameSite=Lax"
    assert hardened("id=1", http_only=True) == "id=1; SameSite=Lax; HttpOnly; Secure"
    assert hardened("csrftoken=1", http_only=True) == "csrftoken=1; SameSite=Lax; Secure"


@pytest.mark.parametrize(
    "header",
    ["id=1; SameSite=None; Secure; HttpOnly", "id=1;secure;samesite=strict;httponly;max-age=0"],
)
def test_what_the_application_chose_stays(header: str) -> None:
    assert hardened(header, http_only=True) == header


NAMES = st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=20)
VALUES = st.text("abcdefABCDEF0123456789-_.~+/=", max_size=60)


@given(NAMES, VALUES)
def test_name_and_value_never_change_and_twice_is_once(name: str, value: str) -> None:
    once = hardened(f"{name}={value}", http_only=True)
    assert once.startswith(f"{name}={value}; ")
    assert hardened(once, http_only=True) == once
    ours = SimpleCookie(host_cookie(name, value))[f"__Host-{name}"]
    assert (ours.value, ours["path"], ours["secure"], ours["domain"]) == (value, "/", True, "")


@pytest.mark.asvs("V3.3.5")
@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", "1"), ("", "1"), ("id", "a;b"), ("id", "a\r\nSet-Cookie: x=y"), ("id", "a" * 4_096)],
)
def test_what_could_not_be_one_cookie_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError):
        host_cookie(name, value)


@pytest.mark.asvs("V3.3.1", "V3.3.3")
def test_a_cookie_that_no_other_host_can_plant() -> None:
    """Browsers take a `__Host-` cookie over https alone, for one host, from that host."""

    def attributes(header: str) -> list[str]:
        return sorted(part.strip().lower() for part in header.split(";")[1:])

    plain = SimpleCookie({"id": "1"})["id"]
    plain["domain"] = "bank.example"  # as a sibling host sets it, for all hosts of bank.example
    assert "secure" not in attributes(plain.OutputString())
    ours = host_cookie("id", "1")
    assert ours.startswith("__Host-id=1;")
    assert attributes(ours) == ["httponly", "path=/", "samesite=lax", "secure"]
    assert attributes(host_cookie("id", "1", same_site="none", http_only=False)) == [
        "path=/", "samesite=none", "secure",
    ]  # fmt: skip


@pytest.mark.asvs("V3.3.4")
def test_scripts_see_no_cookie_that_is_not_theirs(tmp_path: Path) -> None:
    def seen_by_scripts(configuration: str) -> list[str]:
        app = FastAPI()

        @app.get("/")
        def page(response: Response) -> str:
            response.headers.append("set-cookie", "session=secret; Path=/")
            response.headers.append("set-cookie", "csrftoken=shown; Path=/")
            return "ok"

        Stockade.protect(app, settings=settings(tmp_path, configuration))
        sent = TestClient(app).get("/").headers.get_list("set-cookie")
        return [each.partition(";")[0] for each in sent if "httponly" not in each.lower()]

    assert seen_by_scripts("") == ["session=secret", "csrftoken=shown"]
    assert seen_by_scripts("[browser]\nhttp_only = true\n") == ["csrftoken=shown"]


@pytest.mark.asvs("V3.3.2")
def test_an_applications_cookies_leave_hardened(tmp_path: Path) -> None:
    def sent(mode: str, scheme: str) -> list[str]:
        app = FastAPI()

        @app.get("/")
        def page(response: Response) -> str:
            response.headers.append("set-cookie", "id=1; Path=/")
            response.headers.append("set-cookie", "theme=dark; SameSite=Strict")
            return "ok"

        Stockade.protect(app, settings=settings(tmp_path, "", mode))
        answer = TestClient(app, base_url=f"{scheme}://bank.example").get("/")
        return answer.headers.get_list("set-cookie")

    plain = ["id=1; Path=/", "theme=dark; SameSite=Strict"]
    assert sent("off", "https") == sent("observe", "https") == plain
    assert sent("block", "https") == [
        "id=1; Path=/; SameSite=Lax; Secure",
        "theme=dark; SameSite=Strict; Secure",
    ]
    assert sent("block", "http") == ["id=1; Path=/; SameSite=Lax", "theme=dark; SameSite=Strict"]
