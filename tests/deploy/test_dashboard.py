"""The Grafana dashboard: valid, and every metric and label that it names exists.

Its expressions are read by promtool, as rules, for that is Prometheus's own parser.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stockade.watch.metrics.catalogue import METRICS
from tests.integration.prometheus import program

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/stockade.json").read_text("utf-8"))
_NAME = re.compile(r"stockade_[a-z_]+")
_BY = re.compile(r"by \(([a-z_, ]+)\)")
_MATCHER = re.compile(r"([a-z_]+)(?:=~|!=|!~|=)\"")
# What Prometheus itself puts to every series, and to those of a histogram.
_COMMON = {"job", "instance", "le"}
ELSEWHERE = {"build_info", "process_start_time_seconds", "counts_age_seconds", "websockets",
             "counts_rejected", "readings_failed", "requests"}  # fmt: skip


def expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def names(text: str) -> set[str]:
    return {
        re.sub(r"_(bucket|sum|count)$", "", name) if "duration_seconds_" in name else name
        for name in _NAME.findall(text)
    }


EXPOSED = {metric.exposed: metric for metric in METRICS.values()}


def test_it_is_what_grafana_takes() -> None:
    assert {"title", "uid", "panels", "schemaVersion", "templating", "time"} <= set(DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in DASHBOARD["panels"]:
        assert panel["type"] in ("row", "stat", "timeseries")
        assert set(panel["gridPos"]) == {"h", "w", "x", "y"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert panel["targets"]
            assert all(one["refId"] for one in panel["targets"])
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_exists(expression: str) -> None:
    found = names(expression)
    assert found <= set(EXPOSED), found - set(EXPOSED)
    labels = {label for name in found for label in EXPOSED[name].labels} | _COMMON
    used = {label.strip() for group in _BY.findall(expression) for label in group.split(",")}
    used |= set(_MATCHER.findall(expression))
    assert used <= labels, used - labels


def test_every_metric_is_shown_somewhere_or_is_known_not_to_be() -> None:
    alerts = (DEPLOY / "prometheus/alerts.yml").read_text("utf-8")
    shown = names(" ".join(expressions())) | names(alerts)
    missing = {metric.name for metric in METRICS.values() if metric.exposed not in shown}
    assert missing <= ELSEWHERE, missing - ELSEWHERE


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [program("promtool"), "check", "rules", str(file)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
