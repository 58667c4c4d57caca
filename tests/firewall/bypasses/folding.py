"""Folding: characters that become others when a service normalises, lower-cases or encodes."""

from __future__ import annotations

import re
import unicodedata

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_id, by_name, read_below, search, shell
from tests.firewall.bypasses.sources import (
    FILE_NAME,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
)


def slug(text: str) -> str:
    """What most recipes for plain ASCII do."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def apart(text: str, mark: str) -> str:
    """`text` with `mark` between its characters."""
    return mark.join(text)


DUMP = "'OR role='admin"

BYPASSES = [
    Bypass(
        "full-width quote",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, unicodedata.normalize("NFKC", v)),
        ("\uff07 OR role=\uff07admin",),
        ("\uff22ob",),
    ),
    Bypass(
        "full-width dots",
        "open",
        PATH,
        lambda w, v: read_below(w, unicodedata.normalize("NFKC", v)),
        ("\uff0e\uff0e\uff0fsecret.txt",),
        ("\uff41.txt",),
    ),
    Bypass(
        "two-dot leader",
        "open",
        FORM,
        lambda w, v: read_below(w, unicodedata.normalize("NFKC", v)),
        ("\u2025/secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "full-width semicolon",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + unicodedata.normalize("NFKC", v)),
        ("\uff1btouch pwned",),
        ("\uff41",),
    ),
    Bypass(
        "lower case",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, v.lower()),
        ("' Or RoLe='ADMIN",),
        ("BOB",),
    ),
    Bypass(
        "lower case",
        "sh",
        QUERY,
        lambda w, v: shell(w, f"echo {v.lower()}"),
        (";TOUCH pwned",),
        ("EXAMPLE.org",),
        out_of_reach="unknown transformation",
    ),
    Bypass(
        "lower case",
        "open",
        QUERY,
        lambda w, v: read_below(w, v.lower()),
        ("../SECRET.txt",),
        ("A.TXT",),
    ),
    Bypass(
        "upper case of a long s",
        "sqlite3",
        JSON,
        lambda w, v: search(w, v.upper()),
        ("' UNION \u017felect name, pa\u017f\u017fword from u\u017fer\u017f --",),
        ("welcome",),
    ),
    Bypass(
        "upper case of a dotless i",
        "sqlite3",
        FORM,
        lambda w, v: search(w, v.upper()),
        ("' un\u0131on select name, password from users --",),
        ("\u0131",),
    ),
    Bypass(
        "lower case of the Kelvin sign",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, v.lower()),
        ("' or 'k' li\u212ae 'K",),
        ("BOB",),
    ),
    Bypass(
        "upper case of a sharp s",
        "sqlite3",
        MULTIPART,
        lambda w, v: search(w, v.upper()),
        ("' union select name, pa\u00dfword from users --",),
        ("stra\u00dfe",),
    ),
    Bypass(
        "case fold",
        "sqlite3",
        PATH,
        lambda w, v: by_name(w, v.casefold()),
        ("' OR 'SS'='\u00df' or role='admin",),
        ("BOB",),
    ),
    Bypass(
        "title case",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, v.title()),
        ("' or 1=1 or '",),
        ("o neil",),
    ),
    Bypass(
        "accents dropped",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, slug(v)),
        (apart(DUMP, "\u0301"),),
        ("b\u00f3b",),
    ),
    Bypass(
        "accents dropped",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {slug(v)}"),
        (apart(";touch pwned", "\u0301"),),
        ("caf\u00e9",),
    ),
    Bypass(
        "characters dropped that are not ASCII",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, v.encode("ascii", "ignore").decode()),
        (apart(DUMP, "\u00e9"),),
        ("bo\u00e9b",),
    ),
    Bypass(
        "zero-width characters dropped",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, v.replace("\u200b", "")),
        (apart(DUMP, "\u200b"),),
        ("b\u200bob",),
    ),
    Bypass(
        "control characters dropped",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, re.sub(r"[\x00-\x1f\x7f]", "", v)),
        (apart(DUMP, "\x7f"),),
        ("bo\x07b",),
    ),
    Bypass(
        "control characters dropped",
        "open",
        QUERY,
        lambda w, v: read_below(w, re.sub(r"[\x00-\x1f\x7f]", "", v)),
        (".\x01./secret.txt",),
        ("a\x07.txt",),
    ),
    Bypass(
        "line ends dropped",
        "open",
        FORM,
        lambda w, v: read_below(w, v.replace("\n", "").replace("\r", "")),
        (".\n./secret.txt",),
        ("a.txt\n",),
    ),
    Bypass(
        "blanks dropped",
        "open",
        QUERY,
        lambda w, v: read_below(w, v.replace(" ", "")),
        (". ./secret.txt",),
        ("a .txt",),
    ),
    Bypass(
        "all but file-name characters dropped",
        "open",
        FILE_NAME,
        lambda w, v: read_below(w, re.sub(r"[^\w./-]", "", v)),
        (".!./secret.txt",),
        ("a!.txt",),
    ),
    Bypass(
        "quotes dropped",
        "sqlite3",
        QUERY,
        lambda w, v: by_id(w, v.replace("'", "")),
        (apart("0 or 1", "'"),),
        ("'2'",),
    ),
    Bypass(
        "quotes dropped",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + v.replace("'", "")),
        (";to'uch pwned",),
        ("o'hara",),
    ),
    Bypass(
        "Latin-1 read as UTF-8",
        "sqlite3",
        HEADER,
        lambda w, v: by_name(w, v.encode("latin-1").decode()),
        ("\u00e9' OR role='admin",),
        ("\u00e9",),
    ),
]
