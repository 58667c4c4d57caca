"""All guards of a process, switched on and off together."""

from __future__ import annotations

from stockade.core.config import FirewallSettings
from stockade.core.tally import tally
from stockade.firewall.engine import Guard, Mode
from stockade.firewall.grammars.path import PathGrammar
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.sql import SqlGrammar
from stockade.firewall.grammars.sql_scanner import MYSQL, POSTGRESQL, SQLITE, Dialect
from stockade.firewall.sinks import aiosqlite, files, process, sqlalchemy, sqlite

__all__ = ["Firewall"]


def _sql(dialect: Dialect) -> Guard:
    return Guard(
        "sql",
        SqlGrammar(dialect),
        event="malicious_sqli",
        key=f"sql:{dialect.name}",
        learns=True,
        constants=True,
    )


class Firewall:
    """The guards of each family. There is one a process: the sinks are the process's."""

    def __init__(self) -> None:
        self.sqlite = _sql(SQLITE)
        self.postgresql = _sql(POSTGRESQL)
        self.mysql = _sql(MYSQL)
        self.shell = Guard("shell", ShellGrammar(), event="malicious_command", constants=True)
        self.path = Guard("path", PathGrammar(), event="malicious_path")

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Every guard, for metrics."""
        return (self.sqlite, self.postgresql, self.mysql, self.shell, self.path)

    def count(self) -> None:
        """Write down how often each family was asked, for metrics."""
        for outcome in ("checked", "unattributed"):
            sums: dict[str, int] = dict.fromkeys(("sql", "shell", "path"), 0)
            for guard in self.guards:
                sums[guard.family] += getattr(guard, outcome)
            for family, count in sums.items():
                tally.sinks[family, outcome] = count

    def install(self, settings: FirewallSettings, mode: Mode) -> None:
        """Guard the sinks as `settings` say; where they say `inherit`, by `mode`."""
        modes: dict[str, Mode] = {}
        for family in ("sql", "shell", "path"):
            own = getattr(settings, family)
            modes[family] = mode if own == "inherit" or mode == "off" else own
        for guard in self.guards:
            guard.mode = modes[guard.family]
            guard.refuse_unattributed = settings.unattributed == "refuse"
        if modes["sql"] != "off":
            sqlite.install(self.sqlite)
            aiosqlite.install()
            sqlalchemy.install(
                {
                    "sqlite": self.sqlite,
                    "postgresql": self.postgresql,
                    "mysql": self.mysql,
                    "mariadb": self.mysql,
                }
            )
        if modes["shell"] != "off":
            process.install(self.shell)
        if modes["path"] != "off":
            files.install(self.path)

    def uninstall(self) -> None:
        """Check nothing any more; for tests and comparisons."""
        for sink in (sqlite, aiosqlite, sqlalchemy, process, files):
            sink.uninstall()
        for guard in self.guards:
            guard.mode = "off"
