from __future__ import annotations

import json

import pytest

from benchmarks import boundary
from stockade.boundary import check_body


def test_both_models_have_the_same_ten_fields() -> None:
    assert list(boundary._Ours.model_fields) == list(boundary._Plain.model_fields)
    assert len(boundary._Ours.model_fields) == 10 == len(boundary._PATIENT)


@pytest.mark.parametrize("kind", boundary.BODIES)
def test_bodies_are_honest_and_of_a_kilobyte(kind: str) -> None:
    body = boundary.BODIES[kind]
    assert 800 <= len(body) <= 1_100
    check_body("application/json", body, max_depth=64)
    assert json.loads(body)
