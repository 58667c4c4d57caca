"""Quotes and operators of the shell, in each place that a value may stand."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import run, shell
from tests.firewall.bypasses.sources import (
    BASIC,
    COOKIE,
    FILE_NAME,
    FORM,
    HEADER,
    JSON,
    JSON_KEY,
    MULTIPART,
    QUERY,
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
        "semicolon",
        "os.system",
        QUERY,
        lambda w, v: system(w, f"echo {v}"),
        (";touch pwned",),
        ("a-b",),
    ),
    Bypass(
        "ampersand",
        "os.popen",
        FORM,
        lambda w, v: popen(w, f"echo {v}"),
        ("& touch pwned",),
        ("a-b",),
    ),
    Bypass(
        "pipe",
        "asyncio",
        JSON,
        lambda w, v: by_asyncio(w, f"echo {v}"),
        ("|touch pwned",),
        ("a-b",),
    ),
    Bypass(
        "double pipe",
        "subprocess.getoutput",
        COOKIE,
        lambda w, v: getoutput(w, f"cat {v}"),
        ("nothing||touch${IFS}pwned",),
        ("files/a.txt",),
    ),
    Bypass("line end", "sh", FORM, lambda w, v: shell(w, f"echo {v}"), ("a\ntouch pwned",), ("a",)),
    Bypass(
        "carriage return in a word",
        "sh",
        MULTIPART,
        lambda w, v: shell(w, f"echo '{v}'"),
        ("\r';touch pwned;'",),
        ("a\r",),
    ),
    Bypass(
        "single quote",
        "sh",
        JSON_KEY,
        lambda w, v: shell(w, f"echo '{v}'"),
        ("';touch pwned;'",),
        ('say "hi" & go',),
    ),
    Bypass(
        "double quote",
        "sh",
        FILE_NAME,
        lambda w, v: shell(w, f'echo "upload {v} now"'),
        ("x`touch pwned`.png",),
        ("it's.png",),
    ),
    Bypass(
        "quotes around the blank",
        "sh",
        BASIC,
        lambda w, a, b: shell(w, f"echo '{a}' '{b}'"),
        ("a'", "touch pwned;'".replace("touch", ";touch")),
        ("a b", "c;d"),
    ),
    Bypass(
        "backslash before the quote",
        "sh",
        FORM,
        lambda w, v: shell(w, 'echo "' + v.replace('"', '\\"') + '"'),
        ('\\";touch pwned;#',),
        ('a "b"',),
    ),
    Bypass(
        "backslash at the end",
        "sh",
        QUERY,
        lambda w, v: shell(w, f'echo "{v}" ";touch pwned;#"'),
        ("\\",),
        ("a",),
    ),
    Bypass(
        "escapes of the shell's own",
        "bash",
        QUERY,
        lambda w, v: run(w, "bash", "-c", "echo $'" + v.replace("'", "\\'") + "'"),
        ("\\';touch pwned;#",),
        ("50%",),
        needs="bash",
    ),
    Bypass(
        "comment",
        "sh",
        COOKIE,
        lambda w, v: shell(w, f"cat files/{v} | grep -v hello"),
        ("a.txt;cat<secret.txt #",),
        ("a.txt",),
    ),
    Bypass(
        "quotes that Python writes",
        "sh",
        QUERY,
        lambda w, v: shell(w, f"echo {v!r}"),
        ("'$(touch pwned)",),
        ("it is 50%",),
    ),
    Bypass(
        "quotes that Python writes, escaped",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {v!r}"),
        ("a'\"b\"$(touch${IFS}pwned) #'",),
        ('say "hi" & go',),
    ),
    Bypass(
        "quotes that JSON writes",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {json.dumps(v)}"),
        ("$(touch pwned)",),
        ("it's 50%",),
    ),
    Bypass(
        "quotes that JSON writes, escaped",
        "sh",
        JSON,
        lambda w, v: shell(w, f"echo {json.dumps(v)}"),
        ('a"$(touch${IFS}pwned)"b',),
        ("it's 50%",),
    ),
    Bypass(
        "letters within that JSON escapes",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {json.dumps(v)}"),
        ("$(touch${IFS}\u00e9${IFS}pwned)",),
        ('caf\u00e9 "no 5"',),
    ),
    Bypass(
        "letters that JSON escapes",
        "sh",
        MULTIPART,
        lambda w, v: shell(w, f"echo {json.dumps(v)}"),
        ("\u00e9$(touch${IFS}pwned)\u00e9",),
        ("it's 50%",),
    ),
    Bypass(
        "program handed by name",
        "sh",
        HEADER,
        lambda w, v: run(w, *shlex.split(f"sh -c 'echo {v}'")),
        ("$(touch pwned)",),
        ("a",),
    ),
    Bypass(
        "two operators of two values",
        "sh",
        FORM,
        lambda w, a, b: shell(w, f"echo {a} {b} pwned"),
        (";", "touch"),
        ("a", "b"),
    ),
    Bypass(
        "group", "sh", QUERY, lambda w, v: shell(w, f"true && {v}"), ("{ touch pwned; }",), ("pwd",)
    ),
]
