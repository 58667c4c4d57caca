"""Commands, and options of programs: each place where Flask keeps a value."""

from __future__ import annotations

import os
import shlex
import subprocess

from flask import request
from flask.typing import ResponseReturnValue

from examples.range.data import notice_file, public_folder
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
from examples.range.flask.routing import Section
from examples.range.programs import run

__all__ = ["section"]

section = Section("shell", __name__)


@section.describe("GET", "/weak/shell/check-output/query", query("word", "tea"))
def weak_check_output_query() -> ResponseReturnValue:
    """Weak: the value between double quotes, where `$( )` still acts."""
    command = f'grep -i -- "{request.args["word"]}" menu.txt; true'
    output = subprocess.check_output(command, shell=True, text=True, cwd=public_folder())
    return {"output": output}


@section.describe("GET", "/safe/shell/check-output/query", query("word", "tea"))
def safe_check_output_query() -> ResponseReturnValue:
    """Safe: a list of arguments, no shell; `--` ends the options."""
    return run(["grep", "-i", "--", request.args["word"].replace("\0", ""), "menu.txt"])


@section.describe("POST", "/weak/shell/system/form", form("message", "tea is ready"))
def weak_system_form() -> ResponseReturnValue:
    """Weak and blind: single quotes stop everything but a single quote."""
    file = shlex.quote(str(notice_file()))
    return {"done": os.system(f"echo '{request.form['message']}' >> {file}") == 0}


@section.describe("POST", "/safe/shell/system/form", form("message", "tea is ready"))
def safe_system_form() -> ResponseReturnValue:
    """Safe: quoted by the standard library for exactly this shell."""
    text = shlex.quote(request.form["message"].replace("\0", ""))
    return {"done": os.system(f"printf %s {text} >> {shlex.quote(str(notice_file()))}") == 0}


@section.describe("POST", "/weak/shell/popen/json", json_value("word", "soup"))
def weak_popen_json() -> ResponseReturnValue:
    """Weak: a bare word for `os.popen`."""
    menu = shlex.quote(str(public_folder() / "menu.txt"))
    with os.popen(f"grep -c {request.get_json()['word']} {menu}") as pipe:
        return {"output": pipe.read()}


@section.describe("POST", "/safe/shell/popen/json", json_value("word", "soup"))
def safe_popen_json() -> ResponseReturnValue:
    """Safe: quoted by the standard library."""
    menu = shlex.quote(str(public_folder() / "menu.txt"))
    word = shlex.quote(request.get_json()["word"].replace("\0", ""))
    with os.popen(f"grep -c -- {word} {menu}") as pipe:
        return {"output": pipe.read()}


@section.describe("GET", "/weak/shell/sh-c/header", header("x-file", "menu.txt"))
def weak_sh_c_header() -> ResponseReturnValue:
    """Weak: a list of arguments, but one is a program for the shell."""
    return run(["env", "LC_ALL=C", "sh", "-c", f"wc -c {request.headers['x-file']}"])


@section.describe("GET", "/safe/shell/sh-c/header", header("x-file", "menu.txt"))
def safe_sh_c_header() -> ResponseReturnValue:
    """Safe: the program is constant, the value its first argument."""
    name = os.path.basename(request.headers["x-file"])
    return run(["env", "LC_ALL=C", "sh", "-c", 'wc -c -- "$1"', "sh", name])


@section.describe("GET", "/weak/shell/getoutput/cookie", cookie("language", "C"))
def weak_getoutput_cookie() -> ResponseReturnValue:
    """Weak: the environment of a command, as a text before it."""
    return {"output": subprocess.getoutput(f"LC_ALL={request.cookies['language']} date +%Y")}


@section.describe("GET", "/safe/shell/getoutput/cookie", cookie("language", "C"))
def safe_getoutput_cookie() -> ResponseReturnValue:
    """Safe: one of two languages."""
    language = "C.UTF-8" if request.cookies["language"] == "C.UTF-8" else "C"
    return {"output": subprocess.getoutput(f"LC_ALL={language} date +%Y")}


@section.describe("GET", "/weak/shell/run/path/<word>", path("word", "tea"))
def weak_run_path(word: str) -> ResponseReturnValue:
    """Weak: a segment of the path, behind a pipe."""
    return run(f"cat menu.txt | grep {word}", shell=True)


@section.describe("GET", "/safe/shell/run/path/<word>", path("word", "tea"))
def safe_run_path(word: str) -> ResponseReturnValue:
    """Safe: no shell."""
    return run(["grep", "--", word.replace("\0", ""), "menu.txt"])


@section.describe("POST", "/weak/shell/loop/json-key", json_key({"tea": "count"}))
def weak_loop_json_key() -> ResponseReturnValue:
    """Weak: the names of members, between double quotes in a loop of the shell."""
    words = " ".join(f'"{word}"' for word in request.get_json())
    return run(f"for word in {words}; do grep -c -- $word menu.txt; done", shell=True)


@section.describe("POST", "/safe/shell/loop/json-key", json_key({"tea": "count"}))
def safe_loop_json_key() -> ResponseReturnValue:
    """Safe: files that are there, no shell."""
    words = [word.replace("\0", "") for word in request.get_json()]
    return run(["grep", "-c", "-e", "\n".join(words), "menu.txt"])


@section.describe("POST", "/weak/shell/here-document/part", part("text", "tea at four"))
def weak_here_document_part() -> ResponseReturnValue:
    """Weak: an unquoted here-document expands `$( )` and backticks."""
    return run(f"cat <<END\n{request.form['text']}\nEND\n", shell=True)


@section.describe("POST", "/safe/shell/here-document/part", part("text", "tea at four"))
def safe_here_document_part() -> ResponseReturnValue:
    """Safe: the text is the program's input."""
    done = subprocess.run(
        ["cat"], input=request.form["text"].encode(), capture_output=True, check=False
    )
    return {"output": done.stdout.decode(errors="replace")}


@section.describe("POST", "/weak/shell/convert/file-name", file("upload", "tea at four"))
def weak_convert_file_name() -> ResponseReturnValue:
    """Weak: the name of an upload as the name of a picture to convert, so to speak."""
    name = request.files["upload"].filename
    return run(f"printf 'converting %s\\n' {name}", shell=True)


@section.describe("POST", "/safe/shell/convert/file-name", file("upload", "tea at four"))
def safe_convert_file_name() -> ResponseReturnValue:
    """Safe: an argument of its own."""
    name = request.files["upload"].filename or ""
    return run(["printf", "converting %s\\n", name.replace("\0", "")])


def public_name(name: str) -> str:
    """The check of somebody who thought of paths and of nothing else."""
    return "menu.txt" if name.startswith("/") or ".." in name or "\0" in name else name


@section.describe("GET", "/weak/options/sort/query", query("name", "menu.txt"))
def weak_sort_query() -> ResponseReturnValue:
    """Weak: no shell, but `--output=…` is an option of `sort`, not a file."""
    return run(["sort", public_name(request.args["name"])], may_fail=True)


@section.describe("GET", "/safe/options/sort/query", query("name", "menu.txt"))
def safe_sort_query() -> ResponseReturnValue:
    """Safe: one of the files that are there, behind `--`."""
    name = request.args["name"]
    return run(["sort", "--", name if name in os.listdir(public_folder()) else "menu.txt"])


@section.describe("POST", "/weak/options/tar/json", json_value("names", ["menu.txt", "prices.csv"]))
def weak_tar_json() -> ResponseReturnValue:
    """Weak: `--use-compress-program=…` and `--checkpoint-action=…` run commands."""
    words = [word for name in request.get_json()["names"] for word in name.split()]
    names = [public_name(word) for word in words]
    return run(["tar", "-c", "-f", "-", *names, "welcome.txt"], may_fail=True)


@section.describe("POST", "/safe/options/tar/json", json_value("names", ["menu.txt", "prices.csv"]))
def safe_tar_json() -> ResponseReturnValue:
    """Safe: `--` ends the options."""
    there = os.listdir(public_folder())
    names = [name for name in request.get_json()["names"] if name in there]
    return run(["tar", "-c", "-f", "-", "--", *names, "welcome.txt"])
