"""The alert rules: promtool checks and tests them; each has a test, a runbook, and real metrics."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stockade.watch.metrics.catalogue import METRICS
from tests.integration.prometheus import program

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "deploy/prometheus"
RULES = (FOLDER / "alerts.yml").read_text("utf-8")
TESTS = (FOLDER / "alerts.test.yml").read_text("utf-8")
ALERTS = re.findall(r"- alert: (\w+)", RULES)


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [program("promtool"), *arguments],
        cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_rules() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", "alerts.yml")


def test_each_rule_fires_where_it_should_and_only_there() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_rule_has_both_tests_and_a_runbook(alert: str) -> None:
    fires = re.findall(rf"alertname: {alert}\n\s+exp_alerts:", TESTS)
    assert fires, "no test in which it fires"
    assert len(re.findall(rf"alertname: {alert}\b", TESTS)) > len(fires), "none where it does not"
    guide = (PROJECT / "docs/how-to/watch-it.md").read_text("utf-8")
    assert f"runbook_url: docs/how-to/watch-it.md#{alert.lower()}" in RULES
    assert f"### {alert}\n" in guide


def test_every_metric_that_a_rule_names_exists() -> None:
    exposed = {metric.exposed for metric in METRICS.values()}
    named = set(re.findall(r"stockade_[a-z_]+", RULES + TESTS))
    assert named
    assert named <= exposed, named - exposed
