"""All guards of a process, switched on and off together."""

from __future__ import annotations

from collections.abc import Mapping

from stockade.core.config import FirewallSettings, SinkMode
from stockade.core.tally import tally
from stockade.firewall.engine import Guard, Mode
from stockade.firewall.grammars.nosql import NoSqlGrammar
from stockade.firewall.grammars.path import PathGrammar
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.shell_arguments import ArgumentGrammar
from stockade.firewall.grammars.sql import FRAGMENT, SqlGrammar
from stockade.firewall.grammars.sql_scanner import DIALECTS, Dialect
from stockade.firewall.learned_shapes import BARE_NAME, SHAPE, LearnedShapes
from stockade.firewall.rebind import at_once
from stockade.firewall.sinks import (
    aiosqlite,
    archives,
    databases,
    files,
    process,
    pymongo,
    sqlalchemy,
    sqlite,
)

__all__ = ["Firewall"]

FAMILIES = ("sql", "nosql", "shell", "argument", "path")
_SINKS = (sqlite, aiosqlite, sqlalchemy, databases, pymongo, process, files, archives)


def _sql(dialect: Dialect) -> Guard:
    return Guard(
        "sql",
        SqlGrammar(dialect),
        event="malicious_sqli",
        key=f"sql:{dialect.name}",
        learns=True,
        constants=True,
    )


def _mode(own: SinkMode, inherited: Mode) -> Mode:
    """What a setting says; what is off where it inherits from stays off."""
    return inherited if own == "inherit" or inherited == "off" else own


class Firewall:
    """The guards of each family. There is one a process: the sinks are the process's."""

    def __init__(self) -> None:
        self.sql: Mapping[str, Guard] = {name: _sql(each) for name, each in DIALECTS.items()}
        """By the name of the dialect."""
        self.nosql = Guard("nosql", NoSqlGrammar(), event="malicious_nosqli")
        self.shell = Guard("shell", ShellGrammar(), event="malicious_command", constants=True)
        self.argument = Guard("argument", ArgumentGrammar(), event="malicious_command")
        self.path = Guard("path", PathGrammar(), event="malicious_path", learns_calls=True)

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Every guard, for metrics."""
        return (*self.sql.values(), self.nosql, self.shell, self.argument, self.path)

    def count(self) -> None:
        """Write down how often each family was asked, for metrics."""
        for outcome in ("checked", "unattributed", "failed"):
            sums: dict[str, int] = dict.fromkeys(FAMILIES, 0)
            for guard in self.guards:
                sums[guard.family] += getattr(guard, outcome)
            for family, count in sums.items():
                tally.sinks[family, outcome] = count

    def install(self, settings: FirewallSettings, mode: Mode) -> None:
        """Guard the sinks as `settings` say; where they say `inherit`, by `mode`."""
        modes: dict[str, Mode] = {}
        for family in FAMILIES:
            modes[family] = _mode(getattr(settings, family), mode)
        self._second_opinions(settings, modes["sql"])
        for guard in self.guards:
            guard.mode = modes[guard.family]
            guard.refuse_unattributed = settings.unattributed == "refuse"
            guard.routes = {
                route: _mode(getattr(own, guard.family), guard.mode)
                for route, own in settings.routes.items()
            }
        with at_once():
            self._install_sinks(modes)

    def _install_sinks(self, modes: Mapping[str, Mode]) -> None:
        if modes["sql"] != "off":
            sqlite.install(self.sql["sqlite"])
            aiosqlite.install()
            sqlalchemy.install(self.sql)
            databases.install(self.sql)
        if modes["nosql"] != "off":
            pymongo.install(self.nosql)
        if modes["shell"] != "off" or modes["argument"] != "off":
            process.install(self.shell, self.argument)
        if modes["path"] != "off":
            files.install(self.path)
            archives.install(self.path)

    def _second_opinions(self, settings: FirewallSettings, mode: Mode) -> None:
        fragments = _mode(settings.sql_fragments, mode)
        shapes = _mode(settings.sql_shapes, mode)
        for name, guard in self.sql.items():
            guard.rules = {FRAGMENT: fragments, SHAPE: shapes, BARE_NAME: shapes}
            if isinstance(guard.grammar, SqlGrammar):
                guard.grammar.fragments = fragments != "off"
                guard.grammar.strict = settings.sql_strict and shapes != "off"
                guard.grammar.shapes = (
                    LearnedShapes(DIALECTS[name], strict=settings.sql_strict)
                    if shapes != "off"
                    else None
                )

    def unguarded(self) -> tuple[str, ...]:
        """The families that should be guarded and are not, for somebody undid it."""
        guarded = {
            "sql": sqlite.installed,
            "shell": process.installed,
            "argument": process.installed,
            "path": files.installed,
        }
        modes = {guard.family: guard.mode for guard in self.guards}
        return tuple(
            family for family, there in guarded.items() if modes[family] != "off" and not there()
        )

    def uninstall(self) -> None:
        """Check nothing any more; for tests and comparisons."""
        with at_once():
            for sink in _SINKS:
                sink.uninstall()
        for guard in self.guards:
            guard.mode = "off"
