"""Expansions of the shell: commands, variables, patterns, redirections, inside quotes and out."""

from __future__ import annotations

import asyncio
import os
import subprocess

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


def system(world: World, command: str) -> str:
    os.system(f"cd {world.folder}; {command}")
    return "done"


def popen(world: World, command: str) -> str:
    with os.popen(f"cd {world.folder}; {command}") as pipe:
        return pipe.read()


async def by_asyncio(world: World, command: str) -> str:
    process = await asyncio.create_subprocess_shell(
        command, cwd=world.folder, stdout=asyncio.subprocess.PIPE
    )
    return (await process.communicate())[0].decode()


def getoutput(world: World, command: str) -> str:
    return subprocess.getoutput(f"cd {world.folder}; {command}")


BYPASSES = [
    Bypass(
        "substitution",
        "sh",
        HEADER,
        lambda w, v: shell(w, f'echo "{v}"'),
        ("$(touch pwned)",),
        ("it's 50%",),
    ),
    Bypass(
        "backticks",
        "sh",
        WEBSOCKET,
        lambda w, v: shell(w, f'echo "{v}"'),
        ("`touch pwned`",),
        ("it's 50%",),
    ),
    Bypass(
        "redirection", "sh", QUERY, lambda w, v: shell(w, f"echo hello {v}"), (">pwned",), ("a",)
    ),
    Bypass(
        "redirection from a file",
        "sh",
        FORM,
        lambda w, v: shell(w, f"cat {v}"),
        ("<secret.txt",),
        ("files/a.txt",),
    ),
    Bypass(
        "pattern for a name",
        "sh",
        COOKIE,
        lambda w, v: shell(w, f"cat {v}"),
        ("s?cret*",),
        ("files/a.txt",),
    ),
    Bypass(
        "braces for blanks",
        "bash",
        HEADER,
        lambda w, v: run(w, "bash", "-c", f"{v} --version"),
        ("{touch,pwned};true",),
        ("true",),
        needs="bash",
    ),
    Bypass(
        "variable for a blank",
        "sh",
        PATH,
        lambda w, v: shell(w, f"echo {v}"),
        ("$(touch$IFS$9pwned)",),
        ("a",),
    ),
    Bypass(
        "variable in quotes",
        "sh",
        MULTIPART,
        lambda w, v: run(w, "sh", "-c", f'echo "{v}"', env={"KEY": "correct horse battery staple"}),
        ("$KEY",),
        ("50%",),
    ),
    Bypass(
        "braced variable in quotes",
        "sh",
        JSON,
        lambda w, v: run(w, "sh", "-c", f'echo "{v}"', env={"KEY": "correct horse battery staple"}),
        ("${KEY}",),
        ("{50%}",),
    ),
    Bypass(
        "default of a variable",
        "sh",
        FORM,
        lambda w, v: shell(w, f'echo "${{X:-{v}}}"'),
        ("`touch pwned`",),
        ("a",),
    ),
    Bypass(
        "arithmetic",
        "sh",
        WEBSOCKET,
        lambda w, v: shell(w, f"echo $(({v} + 1))"),
        ("$(touch pwned)0",),
        ("2",),
    ),
    Bypass(
        "tilde",
        "sh",
        JSON,
        lambda w, v: run(
            w, "sh", "-c", f"cat {v}", env={"HOME": str(w.folder), "PATH": os.environ["PATH"]}
        ),
        ("~/secret.txt",),
        ("files/a.txt",),
    ),
    Bypass(
        "function",
        "bash",
        FORM,
        lambda w, v: run(
            w, "bash", "-c", "echo hello", env={"BASH_FUNC_echo%%": v, "PATH": os.environ["PATH"]}
        ),
        ("() { touch pwned; }",),
        ("a",),
        needs="bash",
    ),
]
