"""Files: `open`, `pathlib` and `shutil`, reading and writing, each place a name can come from."""

import shutil
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Body, Cookie, Form, Header, HTTPException, Path, Query

from examples.range.data import public_folder

__all__ = ["inside", "router"]

router = APIRouter(tags=["path"])

Content = dict[str, str]
Files = Annotated[dict[str, str], Body(examples=[{"note.txt": "tea at four"}])]


def inside(name: str) -> File:
    """The public file `name`. Errors: 404 for one that resolves to somewhere else."""
    root = public_folder().resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root) or file == root:
        raise HTTPException(404, "no such file")
    return file


def read(file: File) -> Content:
    """The text of a file."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        return {"content": opened.read()}


@router.get("/weak/path/open/query")
def weak_open_query(name: Annotated[str, Query(examples=["menu.txt"])]) -> Content:
    """Weak: `../secret.txt` is a name too."""
    with open(f"{public_folder()}/{name}") as file:
        return {"content": file.read()}


@router.get("/safe/path/open/query")
def safe_open_query(name: Annotated[str, Query(examples=["menu.txt"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    return read(inside(name))


@router.post("/weak/path/open/form")
def weak_open_form(page: Annotated[str, Form(examples=["welcome"])]) -> Content:
    """Weak: a suffix added afterwards only decides which files can be read."""
    with open(f"{public_folder()}/{page}.txt") as file:
        return {"content": file.read()}


@router.post("/safe/path/open/form")
def safe_open_form(page: Annotated[str, Form(examples=["welcome"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    return read(inside(f"{page}.txt"))


@router.post("/weak/path/read-text/json")
def weak_read_text_json(name: Annotated[str, Body(embed=True, examples=["menu.txt"])]) -> Content:
    """Weak: `/` of pathlib forgets its left side where the right one is absolute."""
    return {"content": (public_folder() / name).read_text()}


@router.post("/safe/path/read-text/json")
def safe_read_text_json(name: Annotated[str, Body(embed=True, examples=["menu.txt"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    return {"content": inside(name).read_text()}


@router.get("/weak/path/open/header")
def weak_open_header(x_template: Annotated[str, Header(examples=["welcome.txt"])]) -> Content:
    """Weak: a header chooses the file."""
    with open(f"{public_folder()}/{x_template}") as file:
        return {"content": file.read()}


@router.get("/safe/path/open/header")
def safe_open_header(x_template: Annotated[str, Header(examples=["welcome.txt"])]) -> Content:
    """Safe: the header chooses from the files that are there."""
    files = {file.name: file for file in public_folder().iterdir() if file.is_file()}
    if x_template not in files:
        raise HTTPException(404, "no such file")
    return read(files[x_template])


@router.get("/weak/path/read-text/cookie")
def weak_read_text_cookie(theme: Annotated[str, Cookie(examples=["menu.txt"])]) -> Content:
    """Weak: a cookie chooses the file."""
    return {"content": public_folder().joinpath(theme).read_text()}


@router.get("/safe/path/read-text/cookie")
def safe_read_text_cookie(theme: Annotated[str, Cookie(examples=["menu.txt"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    return {"content": inside(theme).read_text()}


@router.get("/weak/path/tail/{name:path}")
def weak_tail(name: Annotated[str, Path(examples=["menu.txt"])]) -> Content:
    """Weak: browsers remove dot segments before they send a path; attackers do not."""
    with open(f"{public_folder()}/{name}") as file:
        return {"content": file.read()}


@router.get("/safe/path/tail/{name:path}")
def safe_tail(name: Annotated[str, Path(examples=["menu.txt"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    return read(inside(name))


@router.put("/weak/path/write/query")
def weak_write_query(
    name: Annotated[str, Query(examples=["note.txt"])],
    text: Annotated[str, Body(embed=True, examples=["tea at four"])],
) -> dict[str, int]:
    """Weak and blind: it writes wherever it is told to."""
    with open(f"{public_folder()}/{name}", "w") as file:
        return {"written": file.write(text)}


@router.put("/safe/path/write/query")
def safe_write_query(
    name: Annotated[str, Query(examples=["note.txt"])],
    text: Annotated[str, Body(embed=True, examples=["tea at four"])],
) -> dict[str, int]:
    """Safe: resolved, then checked to lie inside."""
    with open(inside(name), "w") as file:
        return {"written": file.write(text)}


@router.post("/weak/path/write-text/json-key")
def weak_write_text_json_key(files: Files) -> dict[str, int]:
    """Weak: an upload of several files, their names the keys of an object."""
    return {
        "written": sum((public_folder() / name).write_text(text) for name, text in files.items())
    }


@router.post("/safe/path/write-text/json-key")
def safe_write_text_json_key(files: Files) -> dict[str, int]:
    """Safe: resolved, then checked to lie inside."""
    return {"written": sum(inside(name).write_text(text) for name, text in files.items())}


@router.post("/weak/path/copy/form")
def weak_copy_form(name: Annotated[str, Form(examples=["menu.txt"])]) -> Content:
    """Weak: `shutil` opens what it is told to, and the copy is public."""
    target = public_folder() / "copy.txt"
    shutil.copyfile(public_folder() / name, target)
    return {"content": target.read_text()}


@router.post("/safe/path/copy/form")
def safe_copy_form(name: Annotated[str, Form(examples=["menu.txt"])]) -> Content:
    """Safe: resolved, then checked to lie inside."""
    target = public_folder() / "copy.txt"
    shutil.copyfile(inside(name), target)
    return {"content": target.read_text()}
