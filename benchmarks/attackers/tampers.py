"""Which of sqlmap's tamper scripts meet which endpoint.

Each script alone; beside that lists of scripts as people write them; and the pairs that matter
most: a script that encodes, before an endpoint that decodes.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ALONE_AT", "LISTS", "LISTS_AT", "PAIRS", "Pair"]

ALONE_AT = "/weak/sql/string/query"
"""Where every script is tried alone."""

LISTS = (
    "space2comment,randomcase,between",
    "space2randomblank,uppercase,equaltolike,unionalltounion",
    "randomcomments,symboliclogical,commentbeforeparentheses,greatest",
    "multiplespaces,lowercase,least,ifnull2casewhenisnull,if2case",
    "space2morecomment,binary,sign,ord2ascii,castprefix",
    "space2dash,commalesslimit,commalessmid,substring2leftright",
    "charencode,space2plus,xforwardedfor,varnish,luanginx",
)
LISTS_AT = (
    "/weak/sql/number/query",
    "/weak/sql/like/query",
    "/weak/sql/order-by/query",
    "/weak/sql/insert/form",
    "/weak/sql/string/header",
    "/weak/sql/string/cookie",
)
"""Each list meets one of these endpoints more than once: see `plan`."""


class Pair(NamedTuple):
    """A script and an endpoint that undoes, or is fooled by, what it does."""

    path: str
    tamper: str
    value: str = ""


PAIRS = (
    Pair("/weak/transformed/sql/base64/cookie", "base64encode", "ann"),
    Pair("/weak/transformed/sql/percent/query", "charencode", "Tea"),
    Pair("/weak/transformed/sql/percent/query", "chardoubleencode", "Tea"),
    Pair("/weak/transformed/sql/stripped/form", "space2randomblank", "Tea"),
    Pair("/weak/changed/sql/html/form", "htmlencode", "Tea"),
    Pair("/weak/changed/sql/html/form", "hexentities", "Tea"),
    Pair("/weak/changed/sql/html/form", "decentities", "Tea"),
    Pair("/weak/changed/sql/squeezed/json", "multiplespaces", "Tea"),
    Pair("/weak/changed/sql/lowered/query", "randomcase"),
    Pair("/weak/changed/sql/lowered/query", "uppercase"),
    Pair("/weak/changed/sql/no-quotes/query", "between"),
    Pair("/weak/changed/sql/no-dashes/cookie", "space2comment"),
)
