"""Every rule of an upload's refusal is in the how-to, and every rule there exists."""

from __future__ import annotations

import re
from pathlib import Path

import stockade.boundary.uploads

SOURCE = Path(stockade.boundary.uploads.__file__).parent
GUIDE = Path(__file__).parents[3] / "docs/how-to/take-uploads.md"


def test_the_guide_lists_every_rule() -> None:
    raised = {
        rule
        for path in SOURCE.rglob("*.py")
        for rule in re.findall(r'Unfit\(\s*"([a-z-]+)"', path.read_text("utf-8"))
    }
    table = GUIDE.read_text("utf-8").partition("| rule: ")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    listed = {rule for row in rows for rule in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert len(raised) > 20
    assert listed == raised
