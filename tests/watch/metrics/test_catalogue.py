from __future__ import annotations

from pathlib import Path

from stockade.watch.metrics.catalogue import METRICS, markdown

PAGE = Path(__file__).parents[3] / "docs/reference/metrics.md"


def test_the_reference_page_lists_every_metric_and_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    for metric in METRICS.values():
        assert f"| `{metric.exposed}` |" in page
    assert page == markdown(), (
        "python -m stockade.watch.metrics.catalogue > docs/reference/metrics.md"
    )


def test_names_follow_the_conventions_of_prometheus() -> None:
    for metric in METRICS.values():
        assert metric.exposed.startswith("stockade_")
        assert metric.exposed.endswith("_total") == (metric.kind == "counter")
        assert metric.meaning.endswith(".")
