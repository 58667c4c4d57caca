"""Commands, and options of programs: each place where Django keeps a value."""

from __future__ import annotations

import os
import shlex
import subprocess

from django.http import HttpResponseBase

from examples.range.data import public_folder
from examples.range.django.routing import Request, Section, answer, body
from examples.range.endpoints import (
    cookie,
    file,
    form,
    header,
    json_key,
    json_value,
    part,
    path,
    query,
)
from examples.range.programs import run

__all__ = ["section"]

section = Section()


@section.describe("GET", "/weak/shell/call/query", query("message", "tea is ready"))
def weak_call_query(request: Request) -> HttpResponseBase:
    """Weak and blind: `subprocess.call` with a shell."""
    message = request.GET["message"].replace("\0", "")
    status = subprocess.call(f'test -n "{message}"', shell=True)
    return answer({"sent": status == 0})


@section.describe("GET", "/safe/shell/call/query", query("message", "tea is ready"))
def safe_call_query(request: Request) -> HttpResponseBase:
    """Safe: a list of arguments."""
    status = subprocess.call(["test", "-n", request.GET["message"].replace("\0", "")])
    return answer({"sent": status == 0})


@section.describe("POST", "/weak/shell/awk/form", form("column", "1"))
def weak_awk_form(request: Request) -> HttpResponseBase:
    """Weak: a program of another language between the shell's single quotes."""
    column = request.POST["column"]
    # One awk says 2 to a program that it cannot read, another one 1.
    return answer(run(f"awk -F, '{{print ${column}}}' prices.csv || exit 2", shell=True))


@section.describe("POST", "/safe/shell/awk/form", form("column", "1"))
def safe_awk_form(request: Request) -> HttpResponseBase:
    """Safe: a number, as a variable."""
    column = f"column={int(request.POST['column'])}"
    return answer(run(["awk", "-F,", "-v", column, "{print $column}", "prices.csv"]))


@section.describe("POST", "/weak/shell/sh-c/json", json_value("word", "soup"))
def weak_sh_c_json(request: Request) -> HttpResponseBase:
    """Weak: a list of arguments whose third is a program for the shell."""
    return answer(run(["/bin/sh", "-c", f"grep -c -- {body(request)['word']} menu.txt"]))


@section.describe("POST", "/safe/shell/sh-c/json", json_value("word", "soup"))
def safe_sh_c_json(request: Request) -> HttpResponseBase:
    """Safe: the program is constant."""
    word = str(body(request)["word"]).replace("\0", "")
    return answer(run(["/bin/sh", "-c", 'grep -c -- "$1" menu.txt', "sh", word]))


@section.describe("GET", "/weak/shell/popen/header", header("x-word", "tea"))
def weak_popen_header(request: Request) -> HttpResponseBase:
    """Weak: the value in `$( )`."""
    with os.popen(f"echo found $(grep -c {request.headers['x-word']} /dev/null)") as pipe:
        return answer({"output": pipe.read()})


@section.describe("GET", "/safe/shell/popen/header", header("x-word", "tea"))
def safe_popen_header(request: Request) -> HttpResponseBase:
    """Safe: quoted by the standard library."""
    word = shlex.quote(request.headers["x-word"])
    with os.popen(f"echo found $(grep -c -- {word} /dev/null)") as pipe:
        return answer({"output": pipe.read()})


@section.describe("GET", "/weak/shell/pipe/cookie", cookie("word", "tea"))
def weak_pipe_cookie(request: Request) -> HttpResponseBase:
    """Weak: between single quotes, behind a pipe."""
    return answer(run(f"cat menu.txt | grep -- '{request.COOKIES['word']}'", shell=True))


@section.describe("GET", "/safe/shell/pipe/cookie", cookie("word", "tea"))
def safe_pipe_cookie(request: Request) -> HttpResponseBase:
    """Safe: no shell."""
    return answer(run(["grep", "--", request.COOKIES["word"].replace("\0", ""), "menu.txt"]))


@section.describe("GET", "/weak/shell/getoutput/path/<str:word>", path("word", "tea"))
def weak_getoutput_path(request: Request, word: str) -> HttpResponseBase:
    """Weak: `getoutput` is a shell too."""
    return answer({"output": subprocess.getoutput(f"echo {word}")})


@section.describe("GET", "/safe/shell/getoutput/path/<str:word>", path("word", "tea"))
def safe_getoutput_path(request: Request, word: str) -> HttpResponseBase:
    """Safe: quoted by the standard library."""
    word = shlex.quote(word.replace("\0", ""))
    return answer({"output": subprocess.getoutput(f"echo {word}")})


@section.describe("POST", "/weak/shell/assign/json-key", json_key({"COLOUR": "red"}))
def weak_assign_json_key(request: Request) -> HttpResponseBase:
    """Weak: names of variables, as a text before a command."""
    names = " ".join(f"{name}=1" for name in body(request))
    return answer(run(f"env {names} true", shell=True))


@section.describe("POST", "/safe/shell/assign/json-key", json_key({"COLOUR": "red"}))
def safe_assign_json_key(request: Request) -> HttpResponseBase:
    """Safe: known names."""
    names = [f"{name}=1" for name in body(request) if name in ("COLOUR", "SIZE")]
    return answer(run(["env", *names, "true"]))


@section.describe("POST", "/weak/shell/system/part", part("text", "tea at four"))
def weak_system_part(request: Request) -> HttpResponseBase:
    """Weak and blind: double quotes stop spaces, not `$( )`."""
    return answer({"done": os.system(f'echo "{request.POST["text"]}" > /dev/null') == 0})


@section.describe("POST", "/safe/shell/system/part", part("text", "tea at four"))
def safe_system_part(request: Request) -> HttpResponseBase:
    """Safe: quoted by the standard library."""
    text = shlex.quote(request.POST["text"].replace("\0", ""))
    return answer({"done": os.system(f"echo {text} > /dev/null") == 0})


@section.describe("POST", "/weak/shell/echo/file-name", file("upload", "tea at four"))
def weak_echo_file_name(request: Request) -> HttpResponseBase:
    """Weak: the name of an upload in a command (Django has taken its folders off)."""
    return answer(run(f"echo received '{request.FILES['upload'].name}'", shell=True))


@section.describe("POST", "/safe/shell/echo/file-name", file("upload", "tea at four"))
def safe_echo_file_name(request: Request) -> HttpResponseBase:
    """Safe: an argument of its own."""
    return answer(run(["echo", "received", str(request.FILES["upload"].name)]))


def public_name(name: str) -> str:
    """The check of somebody who thought of paths and of nothing else."""
    return "menu.txt" if name.startswith("/") or ".." in name or "\0" in name else name


@section.describe("POST", "/weak/options/sort/form", form("name", "menu.txt"))
def weak_sort_form(request: Request) -> HttpResponseBase:
    """Weak: no shell, but `--output=…` is an option of `sort`, not a file."""
    return answer(run(["sort", "-r", public_name(request.POST["name"])], may_fail=True))


@section.describe("POST", "/safe/options/sort/form", form("name", "menu.txt"))
def safe_sort_form(request: Request) -> HttpResponseBase:
    """Safe: `--` ends the options, and the file is one of those that are there."""
    name = request.POST["name"]
    name = name if name in os.listdir(public_folder()) else "menu.txt"
    return answer(run(["sort", "-r", "--", name]))


@section.describe("GET", "/weak/options/tar/query", query("names", "menu.txt prices.csv"))
def weak_tar_query(request: Request) -> HttpResponseBase:
    """Weak: `--use-compress-program=…` and `--checkpoint-action=…` run commands."""
    names = [public_name(name) for name in request.GET["names"].split()]
    return answer(run(["tar", "-c", "-f", "-", *names, "welcome.txt"], may_fail=True))


@section.describe("GET", "/safe/options/tar/query", query("names", "menu.txt prices.csv"))
def safe_tar_query(request: Request) -> HttpResponseBase:
    """Safe: files that are there."""
    there = os.listdir(public_folder())
    names = [name for name in request.GET["names"].split() if name in there]
    return answer(run(["tar", "-c", "-f", "-", "--", *names, "welcome.txt"]))
