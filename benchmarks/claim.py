"""A claim: what is promised, what was measured, and whether the promise holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec

__all__ = ["BUDGETS", "Budget", "Claim", "Measured", "Unmeasured", "markdown", "sentence", "short"]


class Budget(NamedTuple):
    """A promise: the limit, its unit, which way is better, and what is measured."""

    limit: float
    unit: Literal["x", "us", "ms", "/s"]
    what: str
    better: Literal["lower", "higher"] = "lower"


class Measured(NamedTuple):
    """Figures of one run, in the budget's unit; those of `bare` in its own (us or ms)."""

    value: float
    bare: float
    spread: float
    """The distance between the quartiles of the rounds."""
    peers: Mapping[str, float] = MappingProxyType({})
    """Further figures of the run, by what they are of; in the budget's unit."""


class Unmeasured(Exception):
    """This machine cannot measure the claim; says why."""


class Claim(msgspec.Struct, kw_only=True):
    """One line of the report. All figures are None where the claim could not be measured."""

    claim: str
    value: float | None
    unit: str
    budget: float
    better: str
    holds: bool | None
    bare: float | None
    peers: dict[str, float]
    spread: float | None

    @classmethod
    def of(cls, claim: str, measured: Measured | None) -> Claim:
        """Judge what was measured by the budget of `claim`; None: it could not be measured."""
        limit, unit, _, better = BUDGETS[claim]
        if measured is None:
            value = bare = spread = holds = None
            peers: dict[str, float] = {}
        else:
            value, bare, spread = map(short, measured[:3])
            peers = {name: short(figure) for name, figure in measured.peers.items()}
            exact = measured.value
            holds = exact <= limit if better == "lower" else exact >= limit
        return cls(
            claim=claim,
            value=value,
            unit=unit,
            budget=limit,
            better=better,
            holds=holds,
            bare=bare,
            peers=peers,
            spread=spread,
        )


def short(figure: float) -> float:
    """Four digits: more would only pretend."""
    return float(f"{figure:.4g}")


def sentence(claim: Claim) -> str:
    """The claim as a line for a person."""
    if claim.value is None:
        return f"{claim.claim:24} not measured"
    verdict = "holds" if claim.holds else "DOES NOT HOLD"
    relation = "<=" if claim.better == "lower" else ">="
    return (
        f"{claim.claim:24} {claim.value:>8g} {claim.unit:2}  {relation} {claim.budget:<5g} "
        f"{verdict:13}  bare {claim.bare:g}, spread {claim.spread:g}"
        + "".join(f", {name}: {figure:g}" for name, figure in claim.peers.items())
    )


def markdown(claims: Iterable[Claim]) -> str:
    """The claims as a table for the documentation."""
    lines = [
        "| claim | what | measured | budget | holds | bare | spread |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for claim in claims:
        relation = "<=" if claim.better == "lower" else ">="
        unit = {"us": "µs"}.get(claim.unit, claim.unit)
        measured = "not measured" if claim.value is None else f"{claim.value:g} {unit}"
        holds = {None: "?", True: "yes", False: "**no**"}[claim.holds]
        bare, spread = (
            "" if figure is None else f"{figure:g}" for figure in (claim.bare, claim.spread)
        )
        lines.append(
            f"| `{claim.claim}` | {BUDGETS[claim.claim].what} | {measured} "
            f"| {relation} {claim.budget:g} {unit} | {holds} | {bare} | {spread} |"
        )
    return "\n".join(lines)


# Only claims whose subject exists. The design promises more of them; each comes with its part.
BUDGETS: dict[str, Budget] = {
    "request.fastapi_hello": Budget(
        1.12, "x", "FastAPI hello on uvicorn, everything on, against bare without access log"
    ),
    "request.vs_access_log": Budget(
        0.90, "x", "the same against uvicorn as it comes, with its access log"
    ),
    "request.fastapi_body": Budget(1.09, "x", "with a ten-field Pydantic body, against bare"),
    "request.flask_hello": Budget(1.15, "x", "Flask hello in process, everything on, against bare"),
    "request.core_import": Budget(60.0, "ms", "importing `stockade`"),
    "firewall.sql_hit": Budget(
        6.0, "us", "an SQL check of 200 characters, five inputs: a value occurs"
    ),
    "firewall.sql_none": Budget(1.0, "us", "the same: no value occurs"),
    "firewall.sql_known": Budget(0.1, "us", "the same: the text is known"),
    "firewall.flask_query": Budget(
        1.10, "x", "a Flask request with one SQLite query, the firewall on against off"
    ),
    "firewall.fifty_queries": Budget(1.10, "x", "the same with fifty queries"),
    "firewall.check_hit": Budget(
        5.0, "us", "the other sinks, 1 kB, the worst of them: a value occurs"
    ),
    "firewall.check_none": Budget(1.0, "us", "the same: no value occurs"),
    "boundary.model": Budget(
        1.25, "x", "a ten-field model of our types against Pydantic's plain constrained types"
    ),
    "boundary.strict_json": Budget(
        1.5, "x", "the strict JSON pass against `json.loads`, bodies of 1 kB, the worst of them"
    ),
    "watch.lines": Budget(
        300_000.0, "/s", "JSON lines of ten fields, searched for fifty live secrets", "higher"
    ),
    "watch.vs_structlog": Budget(2.0, "x", "what structlog costs against such a line", "higher"),
    "watch.publish": Budget(3.0, "us", "an event on the request's path, log and metrics attached"),
    "watch.audit": Budget(
        100_000.0, "/s", "durable audit entries in batches: hashed, synced and signed", "higher"
    ),
    "watch.proof": Budget(200.0, "us", "an inclusion proof (a million entries with `--long`)"),
    "crypto.seal_1k": Budget(
        1.18, "x", "committed sealing of 1 KiB against a reused bare AESGCM object"
    ),
    "crypto.open_1k": Budget(1.33, "x", "opening it again"),
    "crypto.seal_64k": Budget(1.11, "x", "sealing of 64 KiB"),
}
