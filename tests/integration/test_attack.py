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

APPS = ("examples.range:app", "examples.range.flask:app", "examples.range.django:app")
FAMILIES = ("sql", "shell", "path")
SOURCES = ("query", "form", "file_name", "json_value", "json_key", "header", "cookie", "path")
MOST_OUT_OF_REACH = 25
# Django takes folders off the name of an upload: no path comes through it.
NO_WAY = {("examples.range.django:app", "path"): {"file_name"}}


@pytest.fixture(scope="module")
def attacked() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockade", "attack", *APPS, "--json"],
        cwd=PROJECT,
        env=UNMEASURED | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


@pytest.fixture(scope="module")
def counts(attacked: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(attacked.stdout)
    return found


def test_the_attack_is_complete_and_clean(
    attacked: subprocess.CompletedProcess[str], counts: dict[str, Any]
) -> None:
    assert counts["apps"] == list(counts["each"]) == list(APPS)
    assert counts["got_through"] == []
    assert counts["unproved"] == 0
    assert counts["unreached"] == []
    assert attacked.returncode == 0, attacked.stderr
    assert attacked.stdout.count("\n") == 1  # one document, nothing else, for programs


@pytest.mark.parametrize("app", APPS)
def test_every_exploit_that_works_bare_is_stopped(app: str, counts: dict[str, Any]) -> None:
    found = counts["each"][app]
    assert found["got_through"] == []
    assert found["exploits_stopped"] == found["exploits_bare"] >= 50
    print(f"{app}: {found['exploits_bare']} exploits bare, {found['exploits_stopped']} stopped")


@pytest.mark.asvs("V1.2.5")
@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_proved_through_every_source(
    app: str, family: str, counts: dict[str, Any]
) -> None:
    of_family = counts["each"][app]["families"][family]
    wanted = set(SOURCES) - NO_WAY.get((app, family), set())
    assert set(of_family["sources"]) == wanted | ({"file"} if family == "path" else set())
    for source, proved in of_family["sources"].items():
        assert proved["stopped"] == proved["bare"] >= 1, source
    assert of_family["stopped"] == of_family["bare"]
    assert of_family["bare"] == sum(each["bare"] for each in of_family["sources"].values())


@pytest.mark.parametrize("app", APPS)
def test_nothing_is_refused_that_does_no_harm(app: str, counts: dict[str, Any]) -> None:
    assert counts["each"][app]["refused_wrongly"] == []


@pytest.mark.parametrize("app", APPS)
def test_what_is_out_of_reach_is_counted_apart(app: str, counts: dict[str, Any]) -> None:
    found = counts["each"][app]
    families = found["families"].values()
    assert found["out_of_reach"] == sum(each["out_of_reach"] for each in families)
    assert 0 < found["out_of_reach"] <= MOST_OUT_OF_REACH
    assert found["exploits_bare"] == sum(each["bare"] for each in families)


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


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_readme_shows_these_figures(app: str, family: str, counts: dict[str, Any]) -> None:
    _, found, table = (PROJECT / "README.md").read_text("utf-8").partition(f"\n{app}\n")
    assert found, "the README has no scoreboard of this application"
    shown = re.search(rf"^{family} +all +(.*)$", table, re.MULTILINE)
    assert shown is not None
    of_family = counts["each"][app]["families"][family]
    bare, stopped = of_family["bare"], of_family["stopped"]
    reach = str(of_family["out_of_reach"])
    share = f"{100 * stopped // bare}", "%"
    assert shown[1].split() == [str(bare), str(bare - stopped), *share, reach]
