"""Environment: variables that loaders, shells and tools obey."""

from __future__ import annotations

import os

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

SYSTEM = os.environ["PATH"]


def planted(world: World, name: str, content: str) -> str:
    """An upload that waits to be run."""
    file = world.files / name
    file.write_text(content)
    file.chmod(0o755)
    return name


def with_upload(world: World, *command: str, **variables: str) -> str:
    planted(world, "evil", "#!/bin/sh\ntouch pwned\n")
    planted(world, "true", "#!/bin/sh\ntouch pwned\n")
    planted(world, "sitecustomize.py", "open('pwned', 'w')\n")
    return run(world, *command, env={"PATH": SYSTEM, **variables})


BYPASSES = [
    Bypass(
        "path of programs",
        "env",
        QUERY,
        lambda w, v: with_upload(w, "env", "true", PATH=f"{v}:{SYSTEM}"),
        ("files",),
        ("",),
    ),
    Bypass(
        "start of a shell",
        "env",
        FORM,
        lambda w, v: with_upload(w, "bash", "-c", "echo hello", BASH_ENV=v),
        ("files/evil",),
        ("",),
        needs="bash",
    ),
    Bypass(
        "start of Python",
        "env",
        JSON,
        lambda w, v: with_upload(w, "python3", "-c", "print(1)", PYTHONPATH=v),
        ("files",),
        ("",),
        needs="python3",
    ),
    Bypass(
        "options of a program",
        "env",
        COOKIE,
        lambda w, v: with_upload(w, "perl", "-e", "print 1", PERL5OPT=v),
        ("-Mvars;open(F,'>pwned')",),
        ("",),
        needs="perl",
    ),
    Bypass(
        "editor of a tool",
        "env",
        HEADER,
        lambda w, v: with_upload(w, "git", "-C", ".", "var", "GIT_EDITOR", GIT_EDITOR=v),
        ("correct horse battery staple",),
        ("",),
        needs="git",
    ),
    Bypass(
        "name of a variable",
        "env",
        MULTIPART,
        lambda w, a, b: with_upload(w, "bash", "-c", "echo hello", **{a: b}),
        ("BASH_ENV", "files/evil"),
        ("x", "red"),
        needs="bash",
    ),
    Bypass(
        "beginning of a variable's name",
        "env",
        PATH,
        lambda w, v: with_upload(w, "bash", "-c", "echo hello", **{f"{v}_ENV": "files/evil"}),
        ("BASH",),
        ("SHOP",),
        needs="bash",
    ),
    Bypass(
        "assignment before a program",
        "sh",
        QUERY,
        lambda w, v: shell(
            w, planted(w, "evil", "touch pwned\n") and f"BASH_ENV={v} bash -c 'echo hello'"
        ),
        ("files/evil",),
        ("",),
        needs="bash",
    ),
    Bypass(
        "assignment as an argument",
        "env",
        WEBSOCKET,
        lambda w, v: with_upload(w, "env", v, "bash", "-c", "echo hello"),
        ("BASH_ENV=files/evil",),
        ("nice",),
        needs="bash",
    ),
    Bypass(
        "template of a tool",
        "env",
        FORM,
        lambda w, v: with_upload(
            w,
            "git",
            "hello",
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=v,
            GIT_CONFIG_VALUE_0="!touch pwned #",
        ),
        ("alias.hello",),
        ("",),
        needs="git",
    ),
    Bypass(
        "home of a tool",
        "env",
        COOKIE,
        lambda w, v: (
            with_upload(w, "git", "hello", HOME=v)
            if (w.files / ".gitconfig").write_text(
                "[help]\n autocorrect = 1\n[alias]\n hello = !touch pwned\n"
            )
            else ""
        ),
        ("files",),
        ("",),
        needs="git",
    ),
]
