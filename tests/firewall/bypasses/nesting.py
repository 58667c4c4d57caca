"""Nesting: an attack inside what a filter removes once, or deep inside a document."""

from __future__ import annotations

import json
import re

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_id, by_name, read_below, search, shell
from tests.firewall.bypasses.sources import (
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
    body,
)
from tests.firewall.bypasses.world import World


def deep(value: str) -> bytes:
    """A document in a document in a document."""
    return json.dumps({"a": [{"b": {"c": [[value]]}}]}).encode()


DEEP = body("deep JSON", "application/json", deep, lambda c: json.loads(c)["a"][0]["b"]["c"][0])
GRAPHQL = body(
    "literal of GraphQL",
    "application/json",
    lambda v: json.dumps(
        {"query": '{ user(name: "' + v.replace("'", "\\u0027") + '") { id } }'}
    ).encode(),
    lambda c: [re.findall(r'name: "(.*?)"\)', json.loads(c)["query"])[0].replace("\\u0027", "'")],
)
BLOCK = body(
    "block string of GraphQL",
    "application/graphql",
    lambda v: f'query {{ file(name: """{v}""") }}'.encode(),
    lambda c: [c.decode().split('"""')[1]],
)
VARIABLE = body(
    "variable of GraphQL",
    "application/json",
    lambda v: json.dumps(
        {"query": "query q($n: String!) { user(name: $n) { id } }", "variables": {"n": v}}
    ).encode(),
    lambda c: [json.loads(c)["variables"]["n"]],
)


def without(pattern: str, text: str) -> str:
    return re.sub(pattern, "", text, flags=re.IGNORECASE)


def makefile(world: World) -> str:
    (world.folder / "Makefile").write_text("all:\n\t@echo $(NAME)\n")
    return "Makefile"


BYPASSES = [
    Bypass(
        "keyword in a keyword",
        "sqlite3",
        QUERY,
        lambda w, v: search(w, without("union|select", v)),
        ("' UNUNIONION SELSELECTECT name, password FROM users --",),
        ("welcome",),
    ),
    Bypass(
        "keyword in a keyword, spread out",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, without("or|and", v)),
        ("'oorr'1",),
        ("bob",),
        out_of_reach="unknown transformation",
    ),
    Bypass(
        "comment in a keyword",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, without(r"/\*.*?\*/", v)),
        ("' O/**/R ro/**/le='adm/**/in",),
        ("b/*x*/ob",),
    ),
    Bypass(
        "tag in an attack",
        "sqlite3",
        MULTIPART,
        lambda w, v: by_name(w, without("<[^>]*>", v)),
        ("' O<b>R 1=</b>1 OR role='",),
        ("b<b>o</b>b",),
    ),
    Bypass(
        "climb in a climb",
        "open",
        QUERY,
        lambda w, v: read_below(w, v.replace("../", "")),
        ("....//secret.txt",),
        ("sub/b.txt",),
    ),
    Bypass(
        "climb in a climb, twice",
        "open",
        PATH,
        lambda w, v: read_below(w, v.replace("../", "").replace("./", "")),
        ("...././/secret.txt",),
        ("sub/b.txt",),
    ),
    Bypass(
        "climb around a removed word",
        "open",
        FORM,
        lambda w, v: read_below(w, v.replace("etc", "")),
        (".etc./secret.txt",),
        ("a.txt",),
        out_of_reach="unknown transformation",
    ),
    Bypass(
        "semicolon in a semicolon",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + v.replace("&&", "")),
        ("&&& touch pwned",),
        ("hello",),
        out_of_reach="unknown transformation",
    ),
    Bypass("deep document", "sqlite3", DEEP, by_name, ("' OR role='admin",), ("o''hara",)),
    Bypass("literal in a document", "sqlite3", GRAPHQL, by_name, ("' OR role='admin",), ("bob",)),
    Bypass(
        "block string in a document",
        "sh",
        BLOCK,
        lambda w, v: shell(w, f"echo {v}"),
        ("$(touch pwned)",),
        ("hello",),
    ),
    Bypass(
        "variable of a document", "open", VARIABLE, read_below, ("../secret.txt",), ("sub/b.txt",)
    ),
    Bypass(
        "subquery in a subquery",
        "sqlite3",
        HEADER,
        by_id,
        ("(SELECT 2 WHERE 0) or (SELECT 1 FROM (SELECT 1))",),
        ("2",),
    ),
]
