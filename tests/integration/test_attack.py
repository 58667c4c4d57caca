"""`stockade attack` on the range: what works bare is stopped, nothing honest is, nothing is hidden.

That a guard which guards nothing makes it exit with 1 is proved in tests/tools/attack.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import UNMEASURED
from tests.integration.serving import PROJECT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the range's shells are POSIX")

FAMILIES = ("sql", "shell", "path")
SOURCES = ("query", "form", "json_value", "json_key", "header", "cookie", "path")


@pytest.fixture(scope="module")
def attacked() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockade", "attack", "examples.range:app", "--json"],
        cwd=PROJECT,
        env=UNMEASURED | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def counts(attacked: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(attacked.stdout)
    return found


def test_every_exploit_that_works_bare_is_stopped(
    attacked: subprocess.CompletedProcess[str], counts: dict[str, Any]
) -> None:
    assert counts["got_through"] == []
    assert counts["exploits_stopped"] == counts["exploits_bare"] >= 30
    assert counts["unproved"] == 0
    assert counts["unreached"] == []
    assert attacked.returncode == 0, attacked.stderr
    assert attacked.stdout.count("\n") == 1  # one document, nothing else, for programs
    print(f"{counts['exploits_bare']} exploits bare, {counts['exploits_stopped']} stopped")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_proved_through_every_source(family: str, counts: dict[str, Any]) -> None:
    of_family = counts["families"][family]
    assert sorted(of_family["sources"]) == sorted(SOURCES)
    for source, proved in of_family["sources"].items():
        assert proved["stopped"] == proved["bare"] >= 1, source
    assert of_family["stopped"] == of_family["bare"]
    assert of_family["bare"] == sum(each["bare"] for each in of_family["sources"].values())


def test_nothing_is_refused_that_does_no_harm(counts: dict[str, Any]) -> None:
    assert counts["refused_wrongly"] == []
    for family, of_family in counts["families"].items():
        assert of_family["false_blocks"] == of_family["benign_blocks"] == 0, family


def test_what_is_out_of_reach_is_counted_apart(counts: dict[str, Any]) -> None:
    families = counts["families"].values()
    assert counts["out_of_reach"] == sum(each["out_of_reach"] for each in families) > 0
    assert counts["exploits_bare"] == sum(each["bare"] for each in families)


def reasons() -> set[str]:
    """Why weak endpoints of the range are out of reach, as its description says."""
    from examples.range import app

    operations = [each for path in app.openapi()["paths"].values() for each in path.values()]
    mark = "x-stockade-out-of-reach"
    return {operation[mark] for operation in operations if mark in operation}


def test_the_threat_model_names_what_is_out_of_reach() -> None:
    text = (PROJECT / "docs/threat-model.md").read_text("utf-8")
    section = text.partition("### Out of reach\n")[2].partition("\n###")[0]
    listed = {line[4:].partition("**")[0] for line in section.splitlines() if line[:4] == "- **"}
    assert listed == reasons()
    assert len(listed) >= 5


def test_only_endpoints_that_say_so_are_out_of_reach() -> None:
    """So that no weakness of the range is waved through by its mark."""
    from examples.range import app

    for path, operations in app.openapi()["paths"].items():
        marked = any("x-stockade-out-of-reach" in each for each in operations.values())
        assert marked == path.startswith("/reach/"), path


@pytest.mark.parametrize("family", FAMILIES)
def test_the_readme_shows_these_figures(family: str, counts: dict[str, Any]) -> None:
    shown = re.search(rf"^{family} +all +(.*)$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    assert shown is not None
    of_family = counts["families"][family]
    bare, stopped = of_family["bare"], of_family["stopped"]
    refused = of_family["false_blocks"], of_family["benign_blocks"], of_family["out_of_reach"]
    share = f"{100 * stopped // bare}", "%"
    assert shown[1].split() == [str(bare), str(bare - stopped), *share, *map(str, refused)]
