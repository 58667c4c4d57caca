"""Literals, names and comments of PostgreSQL that other dialects do not have."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import apg, pg2, postgresql
from tests.firewall.bypasses.sources import COOKIE, FORM, HEADER, JSON, MULTIPART, PATH, QUERY


def doubled(text: str) -> str:
    """As escaped for a dialect in which a backslash is a character like any other."""
    return text.replace("'", "''")


def slashed(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


PG, MY = "postgresql", "mariadb"
ONE = "SELECT name, password FROM accounts WHERE id = 2 AND"

BYPASSES = [
    Bypass(
        "dollar quotes",
        "psycopg",
        QUERY,
        lambda w, v: postgresql(f"{ONE} name = '{v}'"),
        ("' OR $$a$$=$x$a$x$ --",),
        ("$$ 5",),
        needs=PG,
    ),
    Bypass(
        "dollar quotes of the service",
        "psycopg",
        FORM,
        lambda w, v: postgresql(f"{ONE} name = $${v}$$"),
        ("$$ OR name=$$ada",),
        ("o'hara",),
        needs=PG,
    ),
    Bypass(
        "tagged dollar quotes of the service",
        "psycopg2",
        FORM,
        lambda w, v: pg2(f"{ONE} name = $q${v}$q$"),
        ("$q$ OR name=$q$ada",),
        ("$$ o'hara",),
        needs=PG,
    ),
    Bypass(
        "nested comment",
        "psycopg",
        JSON,
        lambda w, v: postgresql(f"{ONE} name = '{v}' /* x */"),
        ("' OR /* /* */ ' */ true --",),
        ("/* y */",),
        needs=PG,
    ),
    Bypass(
        "backslash in an escape string",
        "psycopg",
        COOKIE,
        lambda w, v: postgresql(f"{ONE} name = E'{doubled(v)}'"),
        ("\\' OR true --",),
        ("o'hara",),
        needs=PG,
    ),
    Bypass(
        "backslash where the session escapes",
        "psycopg2",
        PATH,
        lambda w, v: pg2(
            f"{ONE} name = '{doubled(v)}'", prepare="SET standard_conforming_strings = off"
        ),
        ("\\' OR true --",),
        ("o'hara",),
        needs=PG,
    ),
    Bypass(
        "Unicode literal",
        "psycopg",
        MULTIPART,
        lambda w, v: postgresql(f"{ONE} name = '{v}'"),
        ("' OR name=U&'\\0061da",),
        ("U&a",),
        needs=PG,
    ),
    Bypass(
        "Unicode name",
        "asyncpg",
        QUERY,
        lambda w, v: apg(f"{ONE} name = '{v}'"),
        ("' OR U&\"\\006eame\"='ada",),
        ('U&"a"',),
        needs=PG,
    ),
    Bypass(
        "cast",
        "psycopg",
        HEADER,
        lambda w, v: postgresql(f"{ONE} id = {v}"),
        ("0 or 't'::bool",),
        ("2",),
        needs=PG,
    ),
    Bypass(
        "literals across a line end",
        "psycopg",
        FORM,
        lambda w, v: postgresql(f"{ONE} name = '{v}'"),
        ("' OR name='a'\n'da",),
        ("a\nb",),
        needs=PG,
    ),
    Bypass(
        "line comment ended by a carriage return",
        "psycopg",
        JSON,
        lambda w, v: postgresql(f"{ONE} true -- for {v}"),
        ("x\r OR true",),
        ("x--y",),
        needs=PG,
    ),
]
