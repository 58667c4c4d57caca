"""Commands: every way by which Python hands a text to a shell, each place a value can come from."""

import asyncio
import os
import shlex
import subprocess
from typing import Annotated

from fastapi import APIRouter, Body, Cookie, Form, Header, HTTPException, Path, Query

from examples.range.data import notice_file, public_folder

__all__ = ["router"]

router = APIRouter(tags=["shell"])

Output = dict[str, str]
Words = Annotated[dict[str, str], Body(examples=[{"tea": "menu.txt"}])]


def answer(status: int | None, output: str | bytes) -> Output:
    """What a command printed; 400 where it failed (grep's 1 means: no such line)."""
    if status not in (0, 1):
        raise HTTPException(400, "the command failed")
    return {"output": output if isinstance(output, str) else output.decode(errors="replace")}


def run(command: str | list[str], *, shell: bool = False) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` in the public folder, its output captured."""
    return subprocess.run(
        command,
        shell=shell,
        check=False,
        capture_output=True,
        text=True,
        timeout=5,
        cwd=public_folder(),
    )


def ran(command: str | list[str], *, shell: bool = False) -> Output:
    """The same, as an answer; a complaint on standard error is a failure."""
    done = run(command, shell=shell)
    return answer(2 if done.stderr else done.returncode, done.stdout)


@router.get("/weak/shell/run/query")
def weak_run_query(word: Annotated[str, Query(examples=["tea"])]) -> Output:
    """Weak: the shell reads `;`, `|`, `$( )`, spaces and more in a bare word."""
    return ran(f"grep -i {word} menu.txt", shell=True)


@router.get("/safe/shell/run/query")
def safe_run_query(word: Annotated[str, Query(examples=["tea"])]) -> Output:
    """Safe: a list of arguments, no shell; `--` ends the options."""
    return ran(["grep", "-i", "--", word.replace("\0", ""), "menu.txt"])


@router.post("/weak/shell/system/form")
def weak_system_form(message: Annotated[str, Form(examples=["tea is ready"])]) -> dict[str, bool]:
    """Weak and blind: double quotes stop spaces, not `$( )`, backticks or a double quote."""
    file = shlex.quote(str(notice_file()))
    return {"done": os.system(f'printf "%s\\n" "{message}" >> {file}') == 0}


@router.post("/safe/shell/system/form")
def safe_system_form(message: Annotated[str, Form(examples=["tea is ready"])]) -> dict[str, bool]:
    """Safe: quoted by the standard library for exactly this shell."""
    text = shlex.quote(message.replace("\0", ""))
    file = shlex.quote(str(notice_file()))
    return {"done": os.system(f"printf '%s\\n' {text} >> {file}") == 0}


@router.post("/weak/shell/async/json")
async def weak_async_json(word: Annotated[str, Body(embed=True, examples=["soup"])]) -> Output:
    """Weak: single quotes stop everything but a single quote."""
    process = await asyncio.create_subprocess_shell(
        f"grep -i -- '{word}' menu.txt", stdout=subprocess.PIPE, cwd=public_folder()
    )
    output, _ = await process.communicate()
    return answer(process.returncode, output)


@router.post("/safe/shell/async/json")
async def safe_async_json(word: Annotated[str, Body(embed=True, examples=["soup"])]) -> Output:
    """Safe: a list of arguments, no shell."""
    process = await asyncio.create_subprocess_exec(
        *("grep", "-i", "--", word.replace("\0", ""), "menu.txt"),
        stdout=subprocess.PIPE,
        cwd=public_folder(),
    )
    output, _ = await process.communicate()
    return answer(process.returncode, output)


@router.get("/weak/shell/sh-c/header")
def weak_sh_c_header(x_word: Annotated[str, Header(examples=["salad"])]) -> Output:
    """Weak: a list of arguments, but the third is a program for the shell."""
    return ran(["sh", "-c", f"cat menu.txt | grep {x_word}"])


@router.get("/safe/shell/sh-c/header")
def safe_sh_c_header(x_word: Annotated[str, Header(examples=["salad"])]) -> Output:
    """Safe: the program is constant; the value is its first argument."""
    return ran(["sh", "-c", 'cat menu.txt | grep -- "$1"', "sh", x_word])


@router.get("/weak/shell/run/cookie")
def weak_run_cookie(word: Annotated[str, Cookie(examples=["tea"])]) -> Output:
    """Weak: a preference, kept in a cookie, ends up in a command."""
    return ran(f'grep "{word}" menu.txt', shell=True)


@router.get("/safe/shell/run/cookie")
def safe_run_cookie(word: Annotated[str, Cookie(examples=["tea"])]) -> Output:
    """Safe: quoted by the standard library."""
    return ran(f"grep -- {shlex.quote(word)} menu.txt", shell=True)


@router.get("/weak/shell/popen/path/{word}")
def weak_popen_path(word: Annotated[str, Path(examples=["tea"])]) -> Output:
    """Weak: `os.popen` is a shell too."""
    file = shlex.quote(str(public_folder() / "menu.txt"))
    pipe = os.popen(f"grep {word} {file}")
    output = pipe.read()
    return answer(os.waitstatus_to_exitcode(pipe.close() or 0), output)


@router.get("/safe/shell/popen/path/{word}")
def safe_popen_path(word: Annotated[str, Path(examples=["tea"])]) -> Output:
    """Safe: quoted by the standard library."""
    file = shlex.quote(str(public_folder() / "menu.txt"))
    pipe = os.popen(f"grep -- {shlex.quote(word)} {file}")
    output = pipe.read()
    return answer(os.waitstatus_to_exitcode(pipe.close() or 0), output)


@router.get("/weak/shell/tail/{name:path}")
def weak_tail(name: Annotated[str, Path(examples=["menu.txt"])]) -> Output:
    """Weak: the rest of the path, slashes included, as a file's name in a command."""
    return ran(f"wc -l {name}", shell=True)


@router.get("/safe/shell/tail/{name:path}")
def safe_tail(name: Annotated[str, Path(examples=["menu.txt"])]) -> Output:
    """Safe: one of the files that are there, no shell."""
    if name not in os.listdir(public_folder()):
        raise HTTPException(404, "no such file")
    return ran(["wc", "-l", "--", name])


@router.post("/weak/shell/getoutput/json-key")
def weak_getoutput_json_key(words: Words) -> Output:
    """Weak: the keys of a JSON object are values as well."""
    file = public_folder() / "menu.txt"
    done = [subprocess.getstatusoutput(f"grep -c {word} {file}") for word in words]
    return answer(max(status for status, _ in done), "\n".join(output for _, output in done))


@router.post("/safe/shell/getoutput/json-key")
def safe_getoutput_json_key(words: Words) -> Output:
    """Safe: a list of arguments, no shell."""
    done = [run(["grep", "-c", "--", word.replace("\0", ""), "menu.txt"]) for word in words]
    return {"output": "\n".join(each.stdout for each in done)}


@router.post("/weak/shell/popen/form")
def weak_popen_form(word: Annotated[str, Form(examples=["salad"])]) -> Output:
    """Weak: `Popen` with `shell=True`, the value in the middle of a pipeline."""
    command = f"grep {word} menu.txt | sort"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, shell=True, stdout=pipe, stderr=pipe, cwd=public_folder()
    ) as process:
        output, complaint = process.communicate(timeout=5)
    return answer(2 if complaint else 0, output)


@router.post("/safe/shell/popen/form")
def safe_popen_form(word: Annotated[str, Form(examples=["salad"])]) -> Output:
    """Safe: a list of arguments, no shell; sorted in Python."""
    found = run(["grep", "--", word.replace("\0", ""), "menu.txt"])
    return {"output": "".join(sorted(found.stdout.splitlines(keepends=True)))}
