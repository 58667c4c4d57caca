"""SQL through mysqlclient. The driver is GPL: an environment of its own and a separate process.

`make .venv-mysqlclient/.ready` builds it (needs libmariadb-dev, pkg-config and a C compiler).
"""

from __future__ import annotations

import os
import subprocess
import sysconfig

from tests.firewall.sinks.statements import absent
from tests.integration.serving import PROJECT

PYTHON = PROJECT / ".venv-mysqlclient" / "bin" / "python"

CHILD = r"""
import MySQLdb, MySQLdb.cursors as kinds
from stockade.core.config import FirewallSettings
from stockade.core.context import RequestContext, running
from stockade.core.errors import Blocked
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.firewall import Firewall
from tests.firewall.sinks.statements import *

TABLE = "guarded_mysqlclient"

class Request(RequestContext):
    __slots__ = ("value",)
    def read_inputs(self):
        inputs = Inputs(InputLimits())
        inputs.add(Source.QUERY, "q", self.value)
        return inputs

def request(value):
    context = Request("test")
    context.value = value
    return running(context)

def connect(**more):
    return MySQLdb.connect(db="test", autocommit=True, charset="utf8mb4", **MYSQL, **more)

def run(connection, query, args=None, kind=kinds.Cursor):
    with connection.cursor(kind) as cursor:
        cursor.execute(query, args)
        return cursor.fetchall()

def direct(connection, query):
    connection.query(query)
    return connection.store_result().fetch_row(0)

ordinary = connect()
for statement in SETUP:
    ordinary.query(statement.format(table=TABLE))
guards = Firewall()

def check(value, attack):
    guards.uninstall()
    with request(value):
        assert SECRET in str(attack()), value
        guards.install(FirewallSettings(), "block")
        try:
            attack()
        except Blocked:
            return
        raise AssertionError(f"passed: {value}")

for template in EXPLOITS:
    value = template.format(table=TABLE)
    query = TEMPLATE.format(table=TABLE, value=value)
    for kind in (kinds.Cursor, kinds.DictCursor, kinds.SSCursor):
        check(value, lambda: run(ordinary, query, None, kind))
    check(value, lambda: run(ordinary, query.encode()))
    check(value, lambda: direct(ordinary, query))

def in_mode(query, first="DO 1", **how):
    session = connect(**how)
    run(session, first)
    return lambda: run(session, query)

value = "x' OR 1=1 -- "
query = TEMPLATE.format(table=TABLE, value=value.replace("'", "\\'"))
check(value, in_mode(query, sql_mode="NO_BACKSLASH_ESCAPES"))
assert run(ordinary, query) == ()
value = "縗' OR 1=1 -- "
check(value, in_mode(TEMPLATE.format(table=TABLE, value=value.replace("'", "\\'")), first="SET NAMES gbk"))
value = 'x", (SELECT 1) AS y -- '
query = 'SELECT password AS "{}\n FROM {}'.format(value.replace('"', '\\"'), TABLE)
check(value, in_mode(query, sql_mode="ANSI_QUOTES"))

query = f"SELECT password FROM {TABLE} WHERE name = '%s' AND password = %%(p)s"
bound = {"b": " OR 1=1 -- ", "p": "x"}
for value, other in (("%(b)s", "%(b)s"), ("%(p).1s OR id>-1 -- ",) * 2, (bound["b"], "%(b)s")):
    check(value, lambda: run(ordinary, query % other, bound))
with request("5"):
    assert run(ordinary, query % "%(b)s", {"b": 5, "p": "x"}) == ()

for how in ({}, {"sql_mode": "ANSI_QUOTES"}, {"sql_mode": "NO_BACKSLASH_ESCAPES"}):
    session = connect(**how)
    for value in AWKWARD:
        with request(value):
            assert run(session, "SELECT %s", (value,)) == ((value,),)
            assert run(session, b"SELECT " + session.literal(value)) == ((value,),)
            with session.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s)", [(2, value, "p")] * 2)
guards.uninstall()
ordinary.query(f"DROP TABLE {TABLE}")
print("all held")
"""


def test_in_its_own_environment() -> None:
    if not PYTHON.exists():
        absent("mysqlclient", "make .venv-mysqlclient/.ready")
    paths = [str(PROJECT), str(PROJECT / "src"), sysconfig.get_path("purelib")]
    done = subprocess.run(
        [str(PYTHON), "-c", CHILD],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip().endswith("all held"), done.stderr[-2_000:]
