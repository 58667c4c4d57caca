from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from stockade.core.errors import ConfigError
from stockade.watch.metrics.endpoint import Answer, Endpoint, parse_address


def fine(accept: str) -> Answer:
    return Answer(200, "text/plain", f"accept: {accept}\n".encode())


def broken(accept: str) -> Answer:
    raise TimeoutError("hunter2")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint("127.0.0.1", 0, {"/metrics": fine, "/broken": broken})
    yield endpoint
    endpoint.close()


def ask(
    endpoint: Endpoint, path: str, method: str = "GET"
) -> tuple[int, bytes, http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)) as one:
        one.request(method, path, headers={"Accept": "text/plain"})
        response = one.getresponse()
        return response.status, response.read(), response


def test_a_page_is_asked_with_what_is_accepted(endpoint: Endpoint) -> None:
    status, body, response = ask(endpoint, "/metrics?x=1")
    assert (status, body) == (200, b"accept: text/plain\n")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Server" not in response.headers
    assert ask(endpoint, "/metrics", "HEAD")[:2] == (200, b"")


def test_nothing_else_is_served_and_nothing_echoed(endpoint: Endpoint) -> None:
    assert ask(endpoint, "/<script>")[:2] == (404, b"not found\n")
    status, body, _ = ask(endpoint, "/metrics", "POST")
    assert status == 501
    assert b"script" not in body


def test_a_page_that_fails_is_an_error_and_no_empty_answer(endpoint: Endpoint) -> None:
    status, body, _ = ask(endpoint, "/broken")
    assert status == 503
    assert body == b"cannot be read now (TimeoutError)\n"


def test_who_says_nothing_holds_up_nobody_for_long(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.watch.metrics.endpoint._Handler.timeout", 0.3)
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port)))
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(endpoint, "/metrics")  # every place is taken
        with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as waiting:
            waiting.recv(1)
        for _ in range(200):
            time.sleep(0.05)
            try:
                assert ask(endpoint, "/metrics")[0] == 200
                break
            except (http.client.HTTPException, OSError):
                continue
        else:
            pytest.fail("the silent ones still hold every place")


def test_a_taken_port_is_an_error(endpoint: Endpoint) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        Endpoint("127.0.0.1", endpoint.port, {})


def test_ipv6_is_served_too() -> None:
    try:
        endpoint = Endpoint("::1", 0, {"/metrics": fine})
    except OSError:
        pytest.skip("no IPv6 on loopback")
    with closing(http.client.HTTPConnection("::1", endpoint.port, timeout=10)) as one:
        one.request("GET", "/metrics")
        assert one.getresponse().status == 200
    endpoint.close()


@pytest.mark.parametrize(
    ("address", "parsed"), [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:1", ("::1", 1))]
)
def test_an_address_is_host_and_port(address: str, parsed: tuple[str, int]) -> None:
    assert parse_address(address, "watch.metrics") == parsed


@pytest.mark.parametrize("address", ["9464", ":9464", "localhost:http", "localhost:99999", "a:²"])
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"watch\.health is .*, not host:port"):
        parse_address(address, "watch.health")
