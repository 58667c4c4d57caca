"""`python -m benchmarks [PART…] [--long] [--peers] [--json | --markdown]`.

Exit 0: every claim holds; 1: one does not; 2: usage; 3: all that was measured holds, but something
could not be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module

import msgspec

from benchmarks.claim import BUDGETS, Claim, Measured, Unmeasured, markdown, sentence, short
from benchmarks.peers.measure import PEERS

__all__ = ["PARTS", "main"]

PARTS = tuple(dict.fromkeys(claim.partition(".")[0] for claim in BUDGETS))
_LONG = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure every claim against its budget."
    )
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}, or one claim's name")
    parser.add_argument("--long", action="store_true", help=f"{_LONG} times as many rounds")
    parser.add_argument("--peers", action="store_true", help="measure other products too")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object a line and a claim")
    output.add_argument("--markdown", action="store_true", help="the table for the documentation")
    options = parser.parse_args(arguments)
    for name in options.part:
        if name not in PARTS and name not in BUDGETS:
            parser.error(f"no part or claim {name!r}; there are {', '.join((*PARTS, *BUDGETS))}")
    wanted = [
        claim
        for claim in BUDGETS
        if not options.part or {claim, claim.partition(".")[0]} & set(options.part)
    ]
    effort = _LONG if options.long else 1
    claims, peers_missing = [], options.peers and not PEERS.keys() & set(wanted)
    if peers_missing:
        _say(f"--peers changed nothing: peers are measured for {', '.join(PEERS)}")
    for claim in _measured(wanted, effort):
        if options.peers and claim.claim in PEERS:
            peers_missing |= not _add_peers(claim, effort)
        claims.append(claim)
        if options.json:
            print(msgspec.json.encode(claim).decode(), flush=True)
        elif not options.markdown:
            print(sentence(claim), flush=True)
    if options.markdown:
        print(markdown(claims))
    return _status(claims, incomplete=peers_missing)


def _measured(wanted: Sequence[str], effort: int) -> Iterator[Claim]:
    for name in wanted:
        part, _, function = name.partition(".")
        try:
            measure: Callable[[int], Measured] = getattr(
                import_module(f"benchmarks.{part}"), function
            )
            measured = measure(effort)
        except (ImportError, Unmeasured) as error:
            _say(f"{name} could not be measured: {error}")
            yield Claim.of(name, None)
        else:
            yield Claim.of(name, measured)


def _add_peers(claim: Claim, effort: int) -> bool:
    """Whether the other products could be measured for the claim."""
    try:
        figures = PEERS[claim.claim](effort)
    except Unmeasured as error:
        _say(f"the peers of {claim.claim} could not be measured: {error}")
        return False
    claim.peers |= {name: short(figure) for name, figure in figures.items()}
    return True


def _status(claims: Sequence[Claim], *, incomplete: bool = False) -> int:
    verdicts = [claim.holds for claim in claims]
    if False in verdicts:
        return 1
    return 3 if incomplete or None in verdicts else 0


def _say(line: str) -> None:
    print(f"benchmarks: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
