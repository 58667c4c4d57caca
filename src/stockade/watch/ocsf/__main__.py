"""The reference page: python -m stockade.watch.ocsf > docs/reference/ocsf.md"""

from __future__ import annotations

import sys

from stockade.core.events import CATALOGUE
from stockade.watch.ocsf.classes import MAPPING
from stockade.watch.ocsf.product import VERSION

__all__ = ["markdown"]


def markdown() -> str:
    """Which event is which class, as a table."""
    lines = [
        "# OCSF",
        "",
        "Made by `python -m stockade.watch.ocsf`; a test compares it with the code.",
        "",
        f"What each [event](events.md) is in OCSF {VERSION} (Open Cybersecurity Schema Framework).",
        '`watch.format = "ocsf"` writes the event log so, and `stockade events tail --format ocsf`',
        "reads any event log so. `type_uid` is the class's number times 100 plus the activity's.",
        "",
        "All have the profile `security_control`: `action_id` and `disposition_id` say what became",
        "of it, `firewall_rule.uid` which rule. `metadata.event_code` is the event's own name,",
        "`metadata.correlation_uid` the request's id. What a class has no room for, and the",
        "details, are in `unmapped`. A refusal outside any HTTP request (a queue's message, a job)",
        "is a Detection Finding. `http_request` takes its activity from the request's method.",
        "",
        "| event | class | activity | type_uid |",
        "| --- | --- | --- | --- |",
    ]
    for name in sorted(CATALOGUE):
        of, number, caption = MAPPING[name]
        uid, class_caption, _, _ = of.value
        kind = f"{class_caption} ({uid})"
        lines.append(f"| `{name}` | {kind} | {caption} ({number}) | {uid * 100 + number} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
