"""Stand-ins for what is handed in: a Mac, a password hasher that counts, the accounts."""

import hashlib
import hmac
from dataclasses import dataclass, field

import pytest

from stockade.access import Sessions, SignIn, StoreThrottle
from stockade.core.context import RequestContext, running
from stockade.stores import MemoryStore


class Ticks:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class KeyedMac:
    def mac(self, data: bytes) -> bytes:
        return hmac.digest(b"a key that only the tests have", data, "sha256")

    def fingerprint(self, text: str) -> str:
        return self.mac(text.encode()).hex()[:16]


class CountingHasher:
    """Every computation is counted: what time would show, without a clock."""

    def __init__(self) -> None:
        self.computed = 0
        self.outdated = False

    def hash(self, password: str) -> str:
        self.computed += 1
        return "$test$" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, encoded: str, password: str) -> bool:
        return hmac.compare_digest(self.hash(password), encoded)

    def needs_rehash(self, encoded: str) -> bool:
        return self.outdated


@dataclass
class Account:
    id: str
    password_hash: str


@dataclass
class Accounts:
    by_name: dict[str, Account] = field(default_factory=dict)

    def lookup(self, name: str) -> Account | None:
        return self.by_name.get(name.casefold())


class World:
    """One service: its store, its accounts, its defences."""

    def __init__(self) -> None:
        self.clock = Ticks()
        self.store = MemoryStore(clock=self.clock)
        self.mac = KeyedMac()
        self.hasher = CountingHasher()
        self.accounts = Accounts(
            {
                "ann": Account("account-1", self.hasher.hash("sunshine")),
                "bob": Account("account-2", self.hasher.hash("a long one that no list has")),
            }
        )
        self.sessions = Sessions(self.store, idle=600, absolute=3_600, clock=self.clock)
        self.throttle = StoreThrottle(self.store, self.mac, clock=self.clock)
        self.sign_in = SignIn(
            self.accounts, self.hasher, self.sessions, self.throttle, self.mac, clock=self.clock
        )

    def from_client(self, client: str, name: str, password: str) -> str:
        """Sign in from an address; the new token."""
        with running(RequestContext(id="r", client=client)):
            return self.sign_in(name, password).token.reveal()


@pytest.fixture
def world() -> World:
    return World()
