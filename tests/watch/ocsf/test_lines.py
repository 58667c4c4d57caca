from __future__ import annotations

import json
from datetime import UTC, datetime

from stockade.core.events import Event
from stockade.watch.ocsf import OcsfLines
from tests.watch.ocsf.published import violations


class Live:
    def values(self) -> tuple[str, ...]:
        return ("s3cret-value",)


def test_lines_are_ocsf_without_live_secrets_and_without_controls() -> None:
    event = Event(
        time=datetime.now(UTC),
        name="authz_fail",
        severity="critical",
        outcome="blocked",
        part="access",
        details={"said": "s3cret-value", "odd": "a\x9b31m\u202eb", "set": {1}},
    )
    lines = OcsfLines(Live())([event, event])
    assert lines.count(b"\n") == 2
    assert b"s3cret" not in lines
    assert "\x9b" not in lines.decode()
    for line in lines.splitlines():
        made = json.loads(line)
        assert violations(made) == []
        assert made["unmapped"]["details"]["odd"] == "a\x9b31m\u202eb"  # escaped, not lost
    assert OcsfLines()([]) == b""
