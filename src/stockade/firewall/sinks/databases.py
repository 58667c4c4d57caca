"""All database drivers that have a sink of their own; each is guarded once it is imported."""

from __future__ import annotations

from collections.abc import Mapping

from stockade.firewall.engine import Guard
from stockade.firewall.sinks import aiomysql, asyncpg, mysqlclient, psycopg, psycopg2, pymysql

__all__ = ["install", "uninstall"]

_DRIVERS = (aiomysql, asyncpg, mysqlclient, psycopg, psycopg2, pymysql)


def install(guards: Mapping[str, Guard]) -> None:
    """Guard every driver; `guards` by name of the dialect."""
    for driver in _DRIVERS:
        driver.install(guards)


def uninstall() -> None:
    """Give every driver its own methods back."""
    for driver in _DRIVERS:
        driver.uninstall()
