from __future__ import annotations

from pathlib import Path

from stockade.core.events import CATALOGUE
from stockade.watch.ocsf.__main__ import markdown
from stockade.watch.ocsf.classes import MAPPING, METHODS, Class, class_of
from tests.watch.ocsf.published import schema

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ocsf.md"


def test_every_event_has_a_class_and_none_is_left_over() -> None:
    assert set(MAPPING) == set(CATALOGUE)


def test_classes_activities_and_their_captions_are_the_published_ones() -> None:
    published = {each["uid"]: each for each in schema()["classes"].values()}
    for of in Class:
        uid, caption, category, category_caption = of.value
        attributes = published[uid]["attributes"]
        assert attributes["class_uid"]["enum"] == {str(uid): caption}
        assert attributes["category_uid"]["enum"] == {str(category): category_caption}
    for of, number, caption in (*MAPPING.values(), *METHODS.values()):
        known = published[of.value[0]]["attributes"]["activity_id"]["enum"]
        assert number == 99 or known[str(number)] == caption


def test_an_odd_name_is_a_finding_and_an_odd_method_is_other() -> None:
    assert class_of("no_such_event", None, in_request=True).of is Class.DETECTION_FINDING
    assert class_of("http_request", "BREW", in_request=True).number == 99


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == markdown(), (
        "python -m stockade.watch.ocsf > docs/reference/ocsf.md"
    )
