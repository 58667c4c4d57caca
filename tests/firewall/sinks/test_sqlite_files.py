"""Files that SQLite opens by a statement: which rows are read, or which file is made, decides."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import Blocked
from stockade.firewall.sinks.sqlite_files import ORDINARY, check_script, check_statement
from tests.conftest import Request, Switch
from tests.growth import growth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in (tmp_path / "other.db", tmp_path / "in" / "own.db", tmp_path / "in" / "a'b.db"):
        path.parent.mkdir(exist_ok=True)
        with sqlite3.connect(path) as rows:
            rows.execute("CREATE TABLE t AS SELECT 'key' AS secret")
    return tmp_path / "in"


def execute(folder: Path, sql: str, parameters: Any = ()) -> str:
    """What sinks.sqlite does, and then the first row of the attached database."""
    opened = sqlite3.connect("file::memory:", uri=True)
    if sql[:1] not in ORDINARY:
        check_statement(sql, parameters)
    opened.execute(sql, parameters)
    return str(opened.execute("SELECT secret FROM x.t").fetchone()[0])


STATEMENTS = [
    ("ATTACH '{0}/{1}' AS x", None),
    ("attach database '{0}/{1}' as x", None),
    ('ATTACH "{0}/{1}" AS x', None),
    ("ATTACH `{0}/{1}` AS x", None),
    ("ATTACH [{0}/{1}] AS x", None),
    ("ATTACH '{0}/' || '{1}' AS x", None),
    ("ATTACH ('{0}/' || ?) AS x", lambda v: (v,)),
    ("ATTACH ? AS x", lambda v: ("{0}/" + v,)),
    ("ATTACH ?1 AS x", lambda v: ["{0}/" + v]),
    ("ATTACH :name AS x", lambda v: {"name": "{0}/" + v}),
    ("ATTACH @name AS x", lambda v: {"name": "{0}/" + v}),
    ("ATTACH ?||? AS x", lambda v: ("{0}/", v)),
    ("ATTACH ? AS ?", lambda v: ("{0}/" + v, "x")),
    ("ATTACH 'file:{0}/{1}?mode=ro' AS x", None),
    ("/* a */ -- b\n \ufeffATTACH/**/DATABASE/**/'{0}/{1}'/**/AS/**/x", None),
    ("\n  ATTACH '{0}/{1}'\tAS x;", None),
    ("ATTACH x'{2}' AS x", None),
    ("ATTACH lower('{0}/{1}') AS x", None),
]


@pytest.mark.parametrize(("sql", "parameters"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_a_database_outside(
    sql: str, parameters: Any, folder: Path, request_of: Request, firewall: Switch
) -> None:
    value = "../other.db"
    low = Path(str(folder).lower())
    low.parent.mkdir(parents=True, exist_ok=True)
    if not low.parent.samefile(folder.parent):
        low.mkdir(exist_ok=True)
        (low.parent / "other.db").write_bytes((folder.parent / "other.db").read_bytes())
    text = sql.format(folder, value, f"{folder}/{value}".encode().hex())
    bound: Any = parameters(value) if parameters else ()
    bound = (
        {key: each.format(folder) for key, each in bound.items()}
        if isinstance(bound, dict)
        else type(bound)(each.format(folder) for each in bound)
    )
    with request_of(value):
        assert execute(folder, text, bound) == "key"
        with firewall("block"), pytest.raises(Blocked, match=r"path\.climbs"):
            execute(folder, text, bound)


def test_an_absolute_one(folder: Path, request_of: Request, firewall: Switch) -> None:
    value = str(folder.parent / "other.db")
    with request_of(value):
        assert execute(folder, "ATTACH ? AS x", (value,)) == "key"
        with firewall("block"), pytest.raises(Blocked, match=r"path\.absolute"):
            execute(folder, "ATTACH ? AS x", (value,))


def test_a_script(folder: Path, request_of: Request, firewall: Switch) -> None:
    value = "../made.db"
    script = f"SELECT 'ATTACH;'; /* ; */ SELECT 1; vacuum main INTO '{folder}/{value}'; SELECT 2"
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            check_script(script)
        assert not (folder / value).exists()
        with sqlite3.connect(folder / "own.db") as opened:
            opened.executescript(script)
        assert (folder / value).exists()


@pytest.mark.parametrize("name", ["own.db", "a'b.db"])
def test_databases_below(name: str, folder: Path, request_of: Request, firewall: Switch) -> None:
    quoted = name.replace("'", "''")
    with firewall("block"), request_of(name, "..", "../other.db"):
        assert execute(folder, f"ATTACH '{folder}/{quoted}' AS x") == "key"
        assert execute(folder, "ATTACH ? AS x", (f"{folder}/{name}",)) == "key"
        for text in (
            "ANALYZE",
            "VACUUM",
            "VALUES ('../other.db')",
            "ATTACH",
            "ATTACH ?",
            "vacuum into",
        ):
            check_statement(text, ())
        check_script("SELECT '../other.db'; -- attach '../other.db'\nSELECT 1")


def test_an_ordinary_statement_is_not_looked_at() -> None:
    for text in ("SELECT 1", "insert into t", "WITH x AS", "PRAGMA x", "BEGIN", "commit"):
        assert text[:1] in ORDINARY
    assert not ORDINARY & set("aAvVeE /-\n;\ufeff")


@given(
    st.text(alphabet="ATTACH vacuum into'\"`[]?:x1;-/*\n\\\ufeff|()as", max_size=80),
    st.lists(st.none() | st.binary() | st.text()),
)
def test_no_text_breaks_it(text: str, parameters: list[Any]) -> None:
    check_statement("ATTACH " + text, parameters)
    check_script("ATTACH " + text)


@pytest.mark.parametrize(
    "part", ["ATTACH ", "ATTACH '", ";attach x", "/*", "--\n", "'", "?||", "vacuum "]
)
def test_a_longer_text_takes_time_in_proportion(
    part: str, request_of: Request, firewall: Switch
) -> None:
    def text(size: int) -> str:
        return ("ATTACH " + part * size)[:size]

    with firewall("block"), request_of("../x"):
        check_statement("SELECT", ())
        assert growth(lambda size: check_statement(text(size), ()), 10_000) < 8
        assert growth(lambda size: check_script(text(size)), 10_000) < 8
