"""What came of a verification: for people, for programs, and the exit code."""

from __future__ import annotations

import base64
import sys
from typing import Any

import msgspec

from stockade.watch.audit.verification import Verification
from stockade.watch.terminal import printable

__all__ = ["report", "say"]

SELF_CONSISTENT = "self-consistent only"
_CODES = {"verified": 0, "findings": 1, SELF_CONSISTENT: 3}


def report(verification: Verification, *, earlier: int, waiting: int, as_json: bool) -> int:
    """Print it; the exit code. `earlier` checkpoints were kept, `waiting` entries are unsigned."""
    if verification.findings:
        verdict = "findings"
    else:
        verdict = "verified" if verification.anchored else SELF_CONSISTENT
    if as_json:
        document = _document(verification, verdict, earlier, waiting)
        print(msgspec.json.encode(document).decode())
    else:
        _print(verification, verdict, earlier, waiting)
    return _CODES[verdict]


def say(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"stockade: {printable(text)}\n")
    sys.stderr.flush()


def _document(
    verification: Verification, verdict: str, earlier: int, waiting: int
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
        "earlier_checkpoints": earlier,
        "keys": [str(epoch.key) for epoch in verification.chain.epochs],
        "findings": [finding._asdict() for finding in verification.findings],
        "findings_untold": verification.untold,
    }


def _print(verification: Verification, verdict: str, earlier: int, waiting: int) -> None:
    checkpoint = verification.checkpoint
    if checkpoint is not None:
        print(f"{printable(checkpoint.origin)}: {checkpoint.size} entries")
    for finding in verification.findings:
        print(f"  FOUND  {printable(str(finding))}")
    if verification.untold:
        print(f"  FOUND  {verification.untold} more like these")
    if verification.removed:
        print(f"  {verification.removed} entries were removed for their age; their hashes stand")
    if waiting:
        print(f"  {waiting} entries are not signed yet, and not verified")
    if verdict == "verified":
        print(f"verified, and an extension of {earlier} earlier checkpoint(s)")
    elif verdict == SELF_CONSISTENT:
        print(
            f"{SELF_CONSISTENT}: entries, tiles and signature fit together. Whether they were all "
            "replaced, only a checkpoint shows that was taken earlier and kept elsewhere: give it "
            "with --checkpoint"
        )
    else:
        print("this is not the log that was signed")
