"""The reference lists every public name of the boundary that a declaration can use."""

from __future__ import annotations

import re
from pathlib import Path

from stockade import boundary

REFERENCE = Path(__file__).parents[2] / "docs/reference/types.md"
ELSEWHERE = {
    "Model",
    "Parameters",
    "check_body",
    "consumes",
    "decode",
    "rejection",
    "takes_arguments",
    "validate",
    "validate_form",
    "validate_json",
    "validate_lines",
}


def test_every_type_is_documented_and_every_documented_one_exists() -> None:
    text = REFERENCE.read_text("utf-8")
    for name in set(boundary.__all__) - ELSEWHERE:
        assert re.search(rf"`{name}\b|import .*\b{name}\b", text), name
    table = text.partition("| --- |")[2].partition("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[1:]]
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)", cell)}
    assert named <= set(boundary.__all__)
