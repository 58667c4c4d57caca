"""Which code a sink serves, across greenlets and threads."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import aiosqlite
import greenlet  # type: ignore[import-untyped]
import pytest

from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.firewall.callers import call_site, frames
from stockade.firewall.constants import is_constant, is_name
from tests.conftest import Request, Switch


def test_the_innermost_application_frame_is_the_call_site() -> None:
    sites = sorted([3, 1, 2], key=lambda _: call_site())  # called by the interpreter itself
    assert sites == [3, 1, 2]
    module, function, line = call_site().split(":")
    assert module.endswith("test_callers")
    assert function == "test_the_innermost_application_frame_is_the_call_site"
    assert int(line) > 20


def test_a_greenlet_leads_to_the_code_that_waits_for_it() -> None:
    names = [frame.f_code.co_name for frame in greenlet.greenlet(lambda: list(frames())).switch()]
    assert "test_a_greenlet_leads_to_the_code_that_waits_for_it" in names
    assert greenlet.greenlet(lambda: is_constant("only this function holds this")).switch()


def test_aiosqlite_tells_the_line_that_awaits(
    tmp_path: Path, request_of: Request, firewall: Switch, events: list[Event]
) -> None:
    async def steal(value: str) -> None:
        async with aiosqlite.connect(tmp_path / "test.db") as connection:
            await connection.execute(f"SELECT 1 WHERE '' = '{value}'")

    with firewall("block"), request_of("' OR '1'='1"), pytest.raises(Blocked):
        asyncio.run(steal("' OR '1'='1"))
    event = next(event for event in events if event.name == "malicious_sqli")
    assert event.details["call_site"].split(":")[1].endswith("steal")


def test_a_constant_of_the_code_that_awaits_is_the_developers(
    tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    async def harmless() -> None:
        async with aiosqlite.connect(tmp_path / "test.db") as connection:
            await connection.execute("SELECT name FROM sqlite_master ORDER BY name")

    with firewall("block"), request_of("FROM sqlite_master ORDER BY"):
        asyncio.run(harmless())


def test_names_that_the_code_reads_by_are_known() -> None:
    wanted_parameter = "unlikely-field-name"
    assert is_name("unlikely-field-name")
    assert is_name("wanted_parameter")
    assert wanted_parameter
    assert not is_name("made_up" + "_by_a_client")


def test_a_block_names_place_and_parameter(
    request_of: Request, firewall: Switch, events: list[Event]
) -> None:
    q = "x' OR 1=1 --"
    with firewall("block"), request_of(q):
        connection = sqlite3.connect(":memory:")
        with pytest.raises(Blocked):
            connection.execute(f"SELECT '{q}'")
    details = next(event for event in events if event.name == "malicious_sqli").details
    assert details["input"] == "q"
    assert details["source"] == "query"
    assert details["call_site"].split(":")[1] == "test_a_block_names_place_and_parameter"
    assert q not in str(details)
