"""The parts of one application, each made when first asked for, from one configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.core import config
from stockade.core.config import Settings
from stockade.core.errors import ConfigError
from stockade.core.health import health
from stockade.core.ports import PasswordHasher, Store
from stockade.core.secret import Secret
from stockade.firewall.firewall import Firewall

if TYPE_CHECKING:
    from stockade.access import Policies, Sessions, StoreThrottle, Tickets
    from stockade.boundary import CsrfTokens, Steps
    from stockade.crypto import Keyring
    from stockade.crypto.personal_keys import PersonalKeys
    from stockade.secrets import Secrets
    from stockade.watch.liveness import Job, Liveness
    from stockade.watch.vocabulary import ApplicationEvents

__all__ = ["Parts", "firewall"]

firewall = Firewall()
"""The firewall of this process."""


class Parts:
    """What an application asks its `Stockade` for."""

    def __init__(self, settings: Settings | None = None, *, folder: str | Path = ".") -> None:
        """`settings`, or those of `stockade.toml` in `folder`; relative paths start there."""
        self.folder = Path(folder)
        self.settings = settings if settings is not None else config.load()
        self.closers: list[Callable[[], object]] = []
        """What lets go of files, connections and threads, in this order."""

    def path(self, name: str) -> Path:
        """A path of the configuration, relative ones starting at its folder."""
        return self.folder / name

    @cached_property
    def store(self) -> Store:
        """State that defences share: throttles, sessions, counters."""
        from stockade.stores import open_store
        from stockade.stores.condition import verdict

        url = self.settings.store.url
        kind, _, path = url.rpartition("sqlite:")
        in_memory = url in ("memory", ":memory:", "sqlite::memory:")
        store = open_store(url if in_memory or kind else str(self.path(path)))
        self.closers.insert(0, store.close)
        health.watch("store", partial(verdict, store), required=True)
        return store

    @cached_property
    def keyring(self) -> Keyring:
        """The keys, made at the first use where there are none."""
        from stockade.crypto import Keyring
        from stockade.crypto.condition import verdict

        keyring = Keyring.open(self.path(self.settings.crypto.keyring), create=True)
        health.watch("keyring", partial(verdict, keyring), required=True)
        return keyring

    @cached_property
    def persons(self) -> PersonalKeys:
        """The keys by which persons in the audit log can be forgotten."""
        from stockade.crypto.personal_keys import PersonalKeys

        keyring = self.keyring
        return PersonalKeys(
            self.path(self.settings.watch.audit_keys),
            keyring.sealer("audit", "persons"),
            keyring.mac("persons"),
        )

    @cached_property
    def event(self) -> ApplicationEvents:
        """Publishes events that only the application can tell: `event("sensitive_read", …)`."""
        from stockade.watch.vocabulary import ApplicationEvents

        return ApplicationEvents(self.keyring.mac)

    @cached_property
    def liveness(self) -> Liveness:
        """The signs of life of this process and of the jobs that share its store."""
        from stockade.watch.liveness import Liveness

        return Liveness(lambda: self.store, self.settings.watch.heartbeat)

    def job(self, name: str, *, every: float | None = None, grace: float = 0.0) -> Job:
        """A job whose failure, death and absence are events; see `stockade.watch.liveness.jobs`.

        `every` and `grace` are seconds. Raises ConfigError for a name or number that cannot be.
        """
        return self.liveness.jobs.job(name, every=every, grace=grace)

    @cached_property
    def hasher(self) -> PasswordHasher:
        """Argon2id."""
        from stockade.crypto import Argon2idHasher

        return Argon2idHasher()

    @cached_property
    def csrf(self) -> CsrfTokens:
        """Tokens for forms, bound to a session."""
        from stockade.boundary import CsrfTokens

        return CsrfTokens(self.keyring.mac("csrf"), clock=time.time)

    def steps(self, name: str, *steps: str, pause: float = 0.0, seconds: float = 3_600.0) -> Steps:
        """A process of several steps that are taken in order, each in `pause` seconds or more."""
        from stockade.boundary import Steps

        return Steps(self.store, name, *steps, pause=pause, seconds=seconds, clock=time.time)

    @cached_property
    def throttle(self) -> StoreThrottle:
        """Who must wait before the next attempt to sign in."""
        from stockade.access import StoreThrottle

        return StoreThrottle(self.store, self.keyring.mac("throttle"))

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        from stockade.access import Sessions

        access = self.settings.access
        return Sessions(self.store, idle=access.session_idle, absolute=access.session_absolute)

    @cached_property
    def tickets(self) -> Tickets:
        """Tickets that open a WebSocket for a session, once."""
        from stockade.access import Tickets

        return Tickets(self.store, self.sessions)

    @cached_property
    def policies(self) -> Policies:
        """Who may do what: the Cedar policies of `access.policies`."""
        from stockade.access import Policies

        return Policies.load(self.path(self.settings.access.policies))

    def secret(self, name: str) -> Secret[str]:
        """The secret that `[secrets]` names, resolved when it is revealed.

        Raises ConfigError where the configuration has no such name.
        """
        if name not in self.secrets:
            raise ConfigError(
                f'no secret {name!r} in [secrets]: add a line such as {name} = "env:…"'
            )
        return self.secrets[name]

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets that `[secrets]` names, each read when it is first revealed."""
        from stockade.secrets import Secrets
        from stockade.secrets.condition import verdict

        secrets = Secrets(self.settings.secrets)
        health.watch("secrets", partial(verdict, secrets), required=True)
        return secrets
