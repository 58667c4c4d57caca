from __future__ import annotations

import logging

import pytest

from stockade.watch import records
from stockade.watch.plain_values import Room


def test_levels_are_those_of_the_standard_library_or_the_one_below() -> None:
    numbers = (0, 10, 15, 20, 25, 30, 40, 45, 50, 99)
    assert [records.level(number) for number in numbers] == [
        "debug", "debug", "debug", "info", "info", "warning", "error", "error", "critical", "critical",
    ]  # fmt: skip


def test_a_plain_record_has_no_extra_fields_and_an_added_one_is_found() -> None:
    record = logging.LogRecord("n", 20, "f.py", 1, "m", (), None, "function")
    assert records.extra_fields(record) == {}
    record.color_message = "uvicorn's"
    record.order = 7
    assert records.extra_fields(record) == {"order": 7}
    line = records.line(record, records.message(record))
    assert (line.site, line.details["fields"]) == ("f:function:1", {"order": 7})


def test_a_level_of_the_applications_own_keeps_its_name() -> None:
    record = logging.makeLogRecord({"levelno": 25, "levelname": "NOTICE", "msg": "m"})
    line = records.line(record, ("m", ""))
    assert (line.level, line.rule, line.details["level"]) == ("info", "log.info", "NOTICE")


def test_a_dictionary_is_a_message_and_its_fields() -> None:
    record = logging.makeLogRecord({"levelno": 20, "msg": {"event": "bought", "item": "tea"}})
    line = records.line(record, records.message(record))
    assert (line.details["message"], line.details["fields"]) == ("bought", {"item": "tea"})


def test_causes_that_go_round_in_a_circle_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    told = records.exception(first, Room())
    assert told["cause"]["message"] == "second"
    assert "cause" not in told["cause"]


def test_an_exception_that_was_never_raised_and_one_of_many_frames() -> None:
    assert records.exception(ValueError("x"), Room())["stack"] == []

    def deep(depth: int) -> None:
        if depth:
            deep(depth - 1)
        raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])

    with pytest.raises(ExceptionGroup) as raised:
        deep(100)
    told = records.exception(raised.value, Room())
    assert len(told["stack"]) == 16
    assert told["exceptions"] == ["builtins.ValueError", "builtins.KeyError"]
