"""Scripts in scripts: what one interpreter hands on to another."""

from __future__ import annotations

import json
import re
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
        "shell in a shell",
        "sh",
        QUERY,
        lambda w, v: shell(w, "sh -c " + shlex.quote(f"echo {v}")),
        ("$(touch pwned)",),
        ("hello",),
    ),
    Bypass(
        "shell in a list of arguments",
        "sh",
        FORM,
        lambda w, v: run(w, "env", "A=1", "nice", "sh", "-c", f"echo {v}"),
        (";touch pwned",),
        ("hello",),
    ),
    Bypass(
        "shell in a shell, quoted once",
        "sh",
        COOKIE,
        lambda w, v: shell(w, f'sh -c "echo {shlex.quote(v)}"'),
        ("$(touch${IFS}pwned)",),
        ("hello",),
    ),
    Bypass(
        "eval",
        "sh",
        HEADER,
        lambda w, v: shell(w, f"eval echo {shlex.quote(v)}"),
        (";touch pwned",),
        ("hello",),
    ),
    Bypass(
        "positional parameter evaluated",
        "sh",
        WEBSOCKET,
        lambda w, v: run(w, "sh", "-c", 'eval "echo $1"', "sh", v),
        (";touch pwned",),
        ("hello",),
    ),
    Bypass(
        "variable evaluated",
        "sh",
        QUERY,
        lambda w, v: run(w, "sh", "-c", 'eval "echo $V"', env={"V": v}),
        ("$(touch${IFS}pwned)",),
        ("hello",),
    ),
    Bypass(
        "here-document",
        "sh",
        MULTIPART,
        lambda w, v: shell(w, f"cat <<END\n{v}\nEND\n"),
        ("END\ntouch pwned",),
        ("it's 50% & more",),
    ),
    Bypass(
        "here-document, expanded",
        "sh",
        QUERY,
        lambda w, v: shell(w, f"cat <<END\n{v}\nEND\n"),
        ("`touch pwned`",),
        ("it's 50% & more",),
    ),
    Bypass(
        "find runs a shell",
        "sh",
        PATH,
        lambda w, v: run(
            w, "find", "files", "-name", "a.txt", "-exec", "sh", "-c", f"echo {v}", ";"
        ),
        ("$(touch pwned)",),
        ("hello",),
    ),
    Bypass(
        "xargs runs a shell",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo a | xargs -I@ sh -c 'echo {v} @'"),
        ("x;touch pwned;",),
        ("hello",),
    ),
    Bypass(
        "arithmetic of bash",
        "bash",
        JSON,
        lambda w, v: run(w, "bash", "-c", '[[ "$1" -gt 5 ]] && echo many', "bash", v),
        ("a[$(touch pwned)]",),
        ("7",),
        needs="bash",
    ),
    Bypass(
        "program of awk",
        "awk",
        QUERY,
        lambda w, v: run(w, "awk", f'BEGIN {{ print "{v}" }}'),
        ('x"; system("touch pwned"); print "',),
        ("it's 50%",),
        needs="awk",
    ),
    Bypass(
        "program of Python",
        "python",
        FORM,
        lambda w, v: run(w, "python3", "-c", f"print('{v}')"),
        ("' + open('secret.txt').read() + '",),
        ("50%",),
        needs="python3",
    ),
    Bypass(
        "query of another program",
        "sqlite3 program",
        JSON,
        lambda w, v: run(w, "sqlite3", "app.db", f"SELECT name FROM users WHERE name = '{v}'"),
        ("' UNION SELECT password FROM users --",),
        ("o''hara",),
        needs="sqlite3",
    ),
    Bypass(
        "variable of make",
        "make",
        COOKIE,
        lambda w, v: run(w, "make", "-f", makefile(w), f"NAME={v}"),
        ("$(shell touch pwned)",),
        ("bob",),
        needs="make",
    ),
    Bypass(
        "script on standard input",
        "sh",
        HEADER,
        lambda w, v: run(w, "sh", input=f"echo {v}\n"),
        (";touch pwned",),
        ("hello",),
    ),
]
