"""What came of a verification: for people, for programs, and the exit code."""

from __future__ import annotations

import base64
import sys
from typing import Any

import msgspec

from stockade.tools.audit.places import Kept, Trusted
from stockade.watch.audit.verification import Verification
from stockade.watch.terminal import printable

__all__ = ["REPLACED", "SELF_CONSISTENT", "report", "say", "whom"]

SELF_CONSISTENT = "self-consistent only"
NO_KEY = "no key known"
REPLACED = "signed by a replaced key"
_CODES = {"verified": 0, "findings": 1, SELF_CONSISTENT: 3, NO_KEY: 3, REPLACED: 3}


def report(
    verification: Verification, *, kept: Kept, trusted: Trusted, waiting: int, as_json: bool
) -> int:
    """Print it; the exit code. `waiting` entries are unsigned."""
    if verification.findings:
        verdict = "findings"
    elif verification.earlier.anchored and trusted.keys:
        current = verification.chain.epochs[-1].key
        verdict = REPLACED if current in trusted.former else "verified"
    else:  # without a key, the log alone says who may sign it
        verdict = (
            NO_KEY if verification.earlier.held or verification.earlier.unknown else SELF_CONSISTENT
        )
    if as_json:
        document = _document(verification, verdict, kept, trusted, waiting)
        print(msgspec.json.encode(document).decode())
    else:
        _print(verification, verdict, kept, trusted, waiting)
    return _CODES[verdict]


def say(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"stockade: {printable(text)}\n")
    sys.stderr.flush()


def whom(trusted: Trusted) -> str:
    """The line that says by which keys was judged."""
    if not trusted.keys:
        return f"  NO KEY is trusted ({trusted.source}): the log itself says who signs it"
    names = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in trusted.keys)
    return printable(f"  keys that are trusted, from {trusted.source}: {names}")


def _document(
    verification: Verification, verdict: str, kept: Kept, trusted: Trusted, waiting: int
) -> dict[str, Any]:
    checkpoint = verification.checkpoint
    return {
        "verdict": verdict,
        "origin": None if checkpoint is None else checkpoint.origin,
        "size": None if checkpoint is None else checkpoint.size,
        "root": None if checkpoint is None else base64.b64encode(checkpoint.root).decode(),
        "entries_verified": verification.verified - verification.removed,
        "entries_removed": verification.removed,
        "entries_unsigned": waiting,
        "earlier_checkpoints": len(kept.notes),
        "earlier_extended": verification.earlier.held,
        "earlier_by_unknown_keys": verification.earlier.unknown,
        "earlier_of_other_logs": verification.earlier.foreign,
        "earlier_unreadable": kept.skipped,
        "keys_from": trusted.source,
        "keys_trusted": [str(key) for key in trusted.keys],
        "keys": [str(epoch.key) for epoch in verification.chain.epochs],
        "findings": [finding._asdict() for finding in verification.findings],
        "findings_untold": verification.untold,
    }


def _print(
    verification: Verification, verdict: str, kept: Kept, trusted: Trusted, waiting: int
) -> None:
    checkpoint, earlier = verification.checkpoint, verification.earlier
    if checkpoint is not None:
        print(f"{printable(checkpoint.origin)}: {checkpoint.size} entries")
    print(whom(trusted))
    for finding in verification.findings:
        print(f"  FOUND  {printable(str(finding))}")
    if verification.untold:
        print(f"  FOUND  {verification.untold} more like these")
    if verification.removed:
        print(f"  {verification.removed} entries were removed for their age; their hashes stand")
    for count, what in (
        (earlier.foreign, "are of other logs"),
        (earlier.unknown, "fit, and are signed by no key that the log still names"),
        (kept.skipped, "cannot be read"),
    ):
        if count:
            print(f"  {count} of the earlier checkpoints {what}")
    if waiting:
        print(f"  {waiting} entries are not signed yet, and not verified")
    if verdict == "verified":
        print(f"verified, and an extension of {earlier.held} earlier checkpoint(s)")
    elif verdict == NO_KEY:
        print(
            f"{NO_KEY}: its entries are those of {earlier.held + earlier.unknown} "
            "earlier checkpoint(s). Whether what came since is by the same hand, only a key shows "
            "that is known from elsewhere: give it with --vkey, or a later checkpoint"
        )
    elif verdict == REPLACED:
        print(
            f"{REPLACED}: the keyring has a newer one, and the log does not say so. Let the "
            "service run a moment; if that changes nothing, whoever holds the old key made this"
        )
    elif verdict == SELF_CONSISTENT:
        print(
            f"{SELF_CONSISTENT}: entries, tiles and signature fit together. Whether they were all "
            "replaced, only a checkpoint shows that was taken earlier and kept elsewhere: give it "
            "with --checkpoint"
        )
    else:
        print("this is not the log that was signed")
