"""Public corpora of SQL injection against SQLite, PostgreSQL and MariaDB themselves.

The servers are the oracle: wherever a value changed what a statement is, the firewall refused it;
where the driver escaped the value, it passed. A fixed sample of every file, or all of them with
`STOCKADE_CORPORA_FULL=1` (a quarter of an hour; `-k sqlite` and the like take one server at a time).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stockade.firewall.engine import Guard, Mode
from stockade.firewall.firewall import Firewall
from stockade.firewall.known_texts import KnownTexts
from tests.integration.sql_corpora import corpus
from tests.integration.sql_corpora.mariadb_server import mariadb_server
from tests.integration.sql_corpora.matrix import Matrix, Request, Tick, refused
from tests.integration.sql_corpora.positions import POSITIONS, QUOTED, SECRET, Position
from tests.integration.sql_corpora.postgresql_server import postgresql_server
from tests.integration.sql_corpora.queries import COMMON, QUERIES, ask
from tests.integration.sql_corpora.server import Server
from tests.integration.sql_corpora.sqlite_server import sqlite_server

FULL = os.environ.get("STOCKADE_CORPORA_FULL") == "1"
SAMPLE = 600
SEED = 20_260

SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "sqlite": sqlite_server,
    "postgresql": postgresql_server,
    "mysql": mariadb_server,
}

Switch = Callable[[Mode], AbstractContextManager[Firewall]]


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with SERVERS[request.param]() as opened:
        yield opened


@pytest.fixture
def tick(capsys: pytest.CaptureFixture[str]) -> Callable[[int, int], None]:
    """A line of progress every ten seconds of a full run."""
    last = time.monotonic()

    def say(done: int, of: int) -> None:
        nonlocal last
        if FULL and time.monotonic() - last > 10:
            last = time.monotonic()
            with capsys.disabled():
                print(f"  {done:,} of {of:,}", flush=True)

    return say


def blocking(dialect: str) -> Guard:
    """A guard that has seen nothing yet, and knows only the rule: no learned shapes."""
    guard = Firewall().sql[dialect]
    guard.mode = "block"
    return guard


PROOFS = {
    "string": ("x' OR n > 3 -- ", "ann"),
    "like": ("x' UNION SELECT id, word FROM secrets -- ", SECRET),
    "number": ("0 UNION SELECT id, word FROM secrets -- ", SECRET),
    "in": ("0) UNION SELECT id, word FROM secrets -- ", SECRET),
    "insert": ("', 1), ((SELECT word FROM secrets WHERE id = 1), 1) -- ", SECRET),
    "order-by": (
        "(CASE WHEN (SELECT word FROM secrets WHERE id = 1) LIKE 'h%' THEN -id ELSE id END)",
        "(3, 'eve'), (2, 'bob'), (1, 'ann')",
    ),
}
"""An attack for each position, and what it brings to light."""

STALLS = {
    "sqlite": "0 OR (WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT max(n) FROM a)",
    "postgresql": "0 OR (SELECT pg_sleep(20)) IS NULL",
    "mysql": "0 OR SLEEP(20)",
}


@pytest.mark.asvs("V1.2.4")
@pytest.mark.parametrize("position", POSITIONS, ids=lambda position: position.name)
def test_an_attack_works_bare_and_is_refused(
    server: Server, position: Position, request_of: Request
) -> None:
    attack, shows = PROOFS[position.name]
    harmless = position.harmless[0]
    assert shows not in server.effect(position.fill(harmless))
    assert shows in server.effect(position.fill(attack))
    guard = blocking(server.dialect)
    with request_of(attack):
        assert refused(guard, position.fill(attack))
    with request_of(harmless):
        assert not refused(guard, position.fill(harmless))


def test_no_statement_stalls(server: Server) -> None:
    number = next(position for position in POSITIONS if position.name == "number")
    started = time.monotonic()
    assert server.effect(number.fill(STALLS[server.dialect])).startswith("error")
    assert time.monotonic() - started < 5


def test_what_changes_a_statement_is_refused(
    server: Server, corpora: Path, request_of: Request, tick: Tick
) -> None:
    files = corpus.attacks(corpora)
    every = [value for values in files.values() for value in values]
    values = every if FULL else corpus.sample(files, SAMPLE, SEED)
    guard = blocking(server.dialect)
    matrix = Matrix(server, guard, request_of)
    matrix.run(POSITIONS, values, tick)
    print(f"\n{len(values):,} of {len(every):,} values of {len(files)} files")
    print(*matrix.lines(), sep="\n")
    print(*matrix.misses[:40], sep="\n")
    assert guard.failed == 0
    assert all(counts["changed"] > 0.2 * len(values) for counts in matrix.counts.values())
    assert matrix.misses == []


def test_what_the_driver_escapes_passes(
    server: Server, corpora: Path, request_of: Request, firewall: Switch, tick: Tick
) -> None:
    """With all of the firewall; for some of the values the server is asked for the structure, too."""
    files = corpus.honest(corpora)
    every = [value for each in files.values() for value in each]
    values = every if FULL else corpus.sample(files, 5 * SAMPLE, SEED)
    asked = set(values if FULL else values[::5])
    expected = {
        position: {server.outcome(position.fill(value)) for value in position.harmless}
        for position in QUOTED
    }
    blocks: list[tuple[str, str, str]] = []
    checks = unsendable = 0
    with firewall("block") as guards:
        guard = guards.sql[server.dialect]
        for done, value in enumerate(values):
            texts = escaped(server, value)
            checks, unsendable = checks + len(texts), unsendable + (not texts)
            with request_of(value):
                rules = [(position.name, value, refused(guard, sql)) for position, sql in texts]
            blocks += [each for each in rules if each[2]]
            if value in asked:
                for position, sql in texts:
                    assert server.outcome(sql) in expected[position], sql
            if done % 100 == 0:
                tick(done, len(values))
    print(
        f"\n{server.dialect}: {len(values):,} honest values, {checks:,} texts, {len(blocks)} refused"
    )
    print(*blocks[:40], sep="\n")
    print(f"{len(asked):,} put to the server; {unsendable} values that no literal can hold")
    assert unsendable < 5
    assert blocks == []


def escaped(server: Server, value: str) -> list[tuple[Position, str]]:
    """The value in each quoted position, as the driver writes a literal."""
    found = []
    for position in QUOTED:
        wildcard = "%" if position.before.endswith("%") else ""
        literal = server.quoted(wildcard + value + wildcard)
        if literal is not None:
            before = position.before.removesuffix("'" + wildcard)
            after = position.after.removeprefix(wildcard + "'")
            found.append((position, before + literal + after))
    return found


def requests(values: list[str], common: float, seed: int, count: int) -> Iterator[tuple[str, ...]]:
    """Requests of one to five normal values; `common` of them bring one of COMMON as well."""
    choose = random.Random(seed)
    for _ in range(count):
        brought = [choose.choice(values) for _ in range(choose.randint(1, 5))]
        if choose.random() < common:
            brought.append(choose.choice(COMMON))
        yield tuple(brought)


@pytest.mark.parametrize("dialect", list(SERVERS))
def test_constants_of_the_calling_code_pass(
    dialect: str, corpora: Path, request_of: Request, firewall: Switch
) -> None:
    """Each as the first query of its process; every request brings a word that queries hold, too."""
    values = corpus.normal(corpora)
    constants: Counter[str] = Counter()
    composed = checks = 0
    with firewall("block") as guards:
        guard = guards.sql[dialect]
        for brought in requests(values, 1, SEED, 2_000 if FULL else 100):
            with request_of(*brought):
                for text in QUERIES:
                    checks += 1
                    guard.known = KnownTexts()
                    constants[text] += bool(ask(guard, text))
                    guard.known = KnownTexts()
                    composed += bool(refused(guard, text))
    print(f"\n{dialect}: {checks:,} constants, {constants.total()} refused")
    print(f"the same as composed texts, each new to its process: {composed:,} refused")
    assert composed > 0, "no value coincided with a query: this proves nothing"
    assert constants.total() == 0, constants


@pytest.mark.parametrize("dialect", list(SERVERS))
@pytest.mark.parametrize("common", [0, 0.25], ids=["normal", "normal-and-common"])
def test_composed_texts_pass_once_they_are_known(
    common: float, dialect: str, corpora: Path, request_of: Request, firewall: Switch
) -> None:
    """Processes that begin with nothing known; each serves a thousand requests of ten queries."""
    values = corpus.normal(corpora)
    checks = first = second = 0
    for seed in range(SEED, SEED + (40 if FULL else 4)):
        choose = random.Random(seed)
        stream = [
            (brought, choose.sample(QUERIES, 10))
            for brought in requests(values, common, seed, 1_000)
        ]
        with firewall("block") as guards:
            checks += 10 * len(stream)
            first += serve(guards.sql[dialect], stream, request_of)
            second += serve(guards.sql[dialect], stream, request_of)
    print(f"\n{dialect}: {checks:,} composed texts, {first} refused; run again, {second}")
    assert first <= 2 * checks / 10_000
    assert second == 0


def serve(
    guard: Guard, stream: list[tuple[tuple[str, ...], list[str]]], request_of: Request
) -> int:
    """How many texts of a stream of requests are refused."""
    blocks = 0
    for brought, texts in stream:
        with request_of(*brought):
            blocks += sum(bool(refused(guard, text)) for text in texts)
    return blocks
