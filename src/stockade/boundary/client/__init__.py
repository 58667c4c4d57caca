"""Other people's APIs: calls that go only where they may, and answers that are what they should be.

    client = Client("https://api.example.com/v1/", headers={"authorization": token})
    patient = client.get("patients/12", model=Patient)

What it stops:

* server-side request forgery (CWE-918): every address that a host resolves to is judged, and the
  connection goes to a judged address, so that neither another spelling, a redirect nor a second DNS
  answer leads to loopback, private networks or a cloud's metadata (`AddressPolicy`);
* credentials and bodies that follow a redirect to somebody else, https that falls back to http;
* answers without an end: slow drips, endless bodies and heads, compression bombs (`Limits`);
* storms: only what may be repeated is (`Retries`), and what is down is left alone (`Circuit`);
* data that is not what was declared: `model=` is read by the boundary's strict JSON pass.

What it does not: a service that is allowed may still lie within its contract; a public address may
belong to a proxy that leads back inside; `hosts` and `networks` in a policy are trusted as listed.

It fails closed: what cannot be judged is not called. Each refusal is an event
(`stockade.boundary.client.telling` says which), and an error below
`stockade.core.errors.UpstreamError`. Needs `pip install 'stockade[client]'`.

Sources: ASVS 5.0 V1.3.6, V12.2, V12.3, V13.2; OWASP API7:2023 and API10:2023.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from stockade.core.errors import ConfigError

if TYPE_CHECKING:
    from stockade.boundary.client.addresses import AddressPolicy
    from stockade.boundary.client.answer import Answer
    from stockade.boundary.client.async_client import AsyncClient
    from stockade.boundary.client.breaker import Circuit
    from stockade.boundary.client.client import Client
    from stockade.boundary.client.limits import Limits
    from stockade.boundary.client.retries import Retries

__all__ = ["AddressPolicy", "Answer", "AsyncClient", "Circuit", "Client", "Limits", "Retries"]

_HOME = {
    "AddressPolicy": "addresses",
    "Answer": "answer",
    "AsyncClient": "async_client",
    "Circuit": "breaker",
    "Client": "client",
    "Limits": "limits",
    "Retries": "retries",
}
_EXTRA = frozenset(("ada_url", "anyio", "h11", "httpcore2", "httpx2"))


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ConfigError(
            f"boundary.client needs the library {error.name}: pip install 'stockade[client]'"
        ) from None


def __dir__() -> list[str]:
    return __all__
