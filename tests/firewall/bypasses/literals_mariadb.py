"""Literals, names and comments of MySQL and MariaDB that other dialects do not have."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import mariadb
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
        "hash comment",
        "PyMySQL",
        QUERY,
        lambda w, v: mariadb(f"{ONE} name = '{v}' AND id = 3"),
        ("' OR 1 #",),
        ("#1",),
        needs=MY,
    ),
    Bypass(
        "executable comment",
        "PyMySQL",
        FORM,
        lambda w, v: mariadb(f"{ONE} name = '{v}'"),
        ("' /*!50000OR*/ 1=1 -- ",),
        ("a /*!b*/",),
        needs=MY,
    ),
    Bypass(
        "executable comment of MariaDB",
        "PyMySQL",
        JSON,
        lambda w, v: mariadb(f"{ONE} id = {v}"),
        ("0 /*M!100000 OR 1*/",),
        ("2",),
        needs=MY,
    ),
    Bypass(
        "executable comment around the service's text",
        "PyMySQL",
        COOKIE,
        lambda w, v: mariadb(f"{ONE} id = 2 /* {v} */"),
        ("*//*!OR 1*//*",),
        ("b!",),
        needs=MY,
    ),
    Bypass(
        "backslash at the end",
        "PyMySQL",
        FORM,
        lambda w, a, b: mariadb(f"{ONE} name = '{a}' AND password = '{b}'"),
        ("x\\", " OR 1=1 #"),
        ("C:\\x", "o''hara"),
        needs=MY,
    ),
    Bypass(
        "backslash before a doubled quote",
        "PyMySQL",
        QUERY,
        lambda w, v: mariadb(f"{ONE} name = '{doubled(v)}'"),
        ("\\' OR 1=1 #",),
        ("o'hara",),
        needs=MY,
    ),
    Bypass(
        "hexadecimal literal",
        "PyMySQL",
        PATH,
        lambda w, v: mariadb(f"{ONE} id = {v}"),
        ("0 or name=0x616461",),
        ("2",),
        needs=MY,
    ),
    Bypass(
        "national literal",
        "PyMySQL",
        HEADER,
        lambda w, v: mariadb(f"{ONE} name = '{v}'"),
        ("' or name=N'ada",),
        ("N",),
        needs=MY,
    ),
    Bypass(
        "literal with a charset",
        "PyMySQL",
        MULTIPART,
        lambda w, v: mariadb(f"{ONE} name = '{v}'"),
        ("' or name=_latin1'ada",),
        ("_latin1",),
        needs=MY,
    ),
    Bypass(
        "double quotes as a literal",
        "PyMySQL",
        COOKIE,
        lambda w, v: mariadb(f'{ONE} name = "{v}"'),
        ('" or name="ada',),
        ("o'hara",),
        needs=MY,
    ),
    Bypass(
        "double quotes as a name",
        "PyMySQL",
        FORM,
        lambda w, v: mariadb(f'SELECT "{v}" FROM accounts', prepare="SET sql_mode = 'ANSI_QUOTES'"),
        ('name", password, "id',),
        ("name",),
        needs=MY,
    ),
    Bypass(
        "backslash that does not escape",
        "PyMySQL",
        MULTIPART,
        lambda w, v: mariadb(
            f"{ONE} name = '{slashed(v)}'", prepare="SET sql_mode = 'NO_BACKSLASH_ESCAPES'"
        ),
        ("' OR 1=1 #",),
        ("a b",),
        needs=MY,
    ),
    Bypass(
        "half of a character swallows the backslash",
        "PyMySQL",
        FORM,
        lambda w, v: mariadb(
            f"{ONE} name = '{slashed(v)}'".encode("latin-1"), charset="gbk", use_unicode=False
        ),
        ("\xbf' OR 1=1 #",),
        ("a b",),
        needs=MY,
    ),
    Bypass(
        "minus and a minus",
        "PyMySQL",
        JSON,
        lambda w, v: mariadb(f"SELECT name, password FROM accounts WHERE id > 0 -{v} AND id = 2\n"),
        ("- 1",),
        ("1",),
        needs=MY,
    ),
    Bypass(
        "operator instead of a word",
        "PyMySQL",
        PATH,
        lambda w, v: mariadb(f"{ONE} name = '{v}'"),
        ("'||'1",),
        ("a||b",),
        needs=MY,
    ),
    Bypass(
        "exponent without a blank",
        "PyMySQL",
        QUERY,
        lambda w, v: mariadb(f"{ONE} id = {v}"),
        ("0e0or(1)",),
        ("2",),
        needs=MY,
    ),
    Bypass(
        "vertical tab for a blank",
        "PyMySQL",
        FORM,
        lambda w, v: mariadb(f"{ONE} id = {v}"),
        ("0\x0bor\x0b1",),
        ("2",),
        needs=MY,
    ),
]
