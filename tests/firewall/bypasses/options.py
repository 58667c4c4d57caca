"""Options: a value that another program takes for a flag, where no shell is involved."""

from __future__ import annotations

import shlex

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import run, shell
from tests.firewall.bypasses.sources import (
    COOKIE,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
    WEBSOCKET,
)
from tests.firewall.bypasses.world import World

OTHER = "path opened by another program"


def words(world: World, command: str) -> str:
    return run(world, *shlex.split(command))


BYPASSES = [
    Bypass(
        "long option",
        "tar",
        QUERY,
        lambda w, v: run(w, "tar", "-cf", "/dev/null", "--checkpoint=1", v, "files"),
        ("--checkpoint-action=exec=touch pwned",),
        ("files/a.txt",),
        needs="tar",
    ),
    Bypass(
        "abbreviated option",
        "tar",
        FORM,
        lambda w, v: run(w, "tar", "-cf", "/dev/null", v, "files"),
        ("--use-c=touch pwned;cat",),
        ("files/a.txt",),
        needs="tar",
    ),
    Bypass(
        "short option with its value",
        "sort",
        JSON,
        lambda w, v: run(w, "sort", v, "files/a.txt"),
        ("-opwned",),
        ("files/a.txt",),
    ),
    Bypass(
        "cluster of short options",
        "sort",
        COOKIE,
        lambda w, v: run(w, "sort", v, "files/a.txt"),
        ("-ruopwned",),
        ("files/a.txt",),
    ),
    Bypass(
        "expression",
        "find",
        PATH,
        lambda w, v: words(w, f"find files {v}"),
        ("-fprint pwned",),
        ("-name a.txt".replace("-name ", "files/"),),
        needs="find",
    ),
    Bypass(
        "option among quoted words",
        "find",
        QUERY,
        lambda w, v: words(w, f"find files -name {v}"),
        ("x '-o' '-fprint' pwned",),
        ("'*.txt'",),
        needs="find",
    ),
    Bypass(
        "option with quotes inside",
        "sort",
        FORM,
        lambda w, v: words(w, f"sort files/a.txt {v}"),
        ('files/a.txt -o"pwned"',),
        ("files/a.txt",),
    ),
    Bypass(
        "option in a shell's quotes",
        "sort",
        WEBSOCKET,
        lambda w, v: shell(w, f"sort {shlex.quote(v)} files/a.txt"),
        ("-opwned",),
        ("files/a.txt",),
    ),
    Bypass(
        "option behind an environment",
        "sort",
        HEADER,
        lambda w, v: run(w, "env", "LC_ALL=C", "sort", v, "files/a.txt"),
        ("--output=pwned",),
        ("files/a.txt",),
    ),
    Bypass(
        "option of two values",
        "sort",
        MULTIPART,
        lambda w, a, b: run(w, "sort", f"{a}{b}", "files/a.txt"),
        ("-", "opwned"),
        ("files", "/a.txt"),
    ),
    Bypass(
        "option behind the service's dash",
        "sort",
        COOKIE.__class__("query, dash", QUERY.send, QUERY.read),
        lambda w, v: run(w, "sort", f"-{v}", "files/a.txt"),
        ("opwned",),
        ("r",),
        out_of_reach="dangerous valid token",
    ),
    Bypass(
        "operand that acts",
        "dd",
        QUERY,
        lambda w, v: run(w, "dd", "if=files/a.txt", v),
        ("of=pwned",),
        ("bs=1",),
    ),
    Bypass(
        "further operand",
        "cat",
        FORM,
        lambda w, v: words(w, f"cat files/{v}"),
        ("a.txt secret.txt",),
        ("a.txt",),
        out_of_reach=OTHER,
    ),
    Bypass(
        "file named to another program",
        "cat",
        QUERY,
        lambda w, v: run(w, "cat", f"files/{v}"),
        ("../secret.txt",),
        ("a.txt",),
        out_of_reach=OTHER,
    ),
    Bypass(
        "configuration",
        "git",
        FORM,
        lambda w, v: run(w, "git", "-c", v, "hello"),
        ("alias.hello=!touch pwned",),
        ("user.name=bob",),
        needs="git",
    ),
    Bypass(
        "pager of a program",
        "git",
        QUERY,
        lambda w, v: run(w, "git", "grep", "--no-index", v, "hello"),
        ("--open-files-in-pager=touch pwned;",),
        ("-i".replace("-i", "hello"),),
        needs="git",
    ),
]
