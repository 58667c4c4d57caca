"""Options: a list of arguments and no shell, but a value that begins with a dash is no file."""

import os
from typing import Annotated

from fastapi import APIRouter, Body, Query

from examples.range.data import public_folder
from examples.range.programs import run

__all__ = ["router"]

router = APIRouter(tags=["options"])

Output = dict[str, str]


def public_name(name: str) -> str:
    """The check of somebody who thought of paths and of nothing else."""
    return "menu.txt" if name.startswith("/") or ".." in name or "\0" in name else name


@router.get("/weak/options/sort/query")
def weak_sort_query(name: Annotated[str, Query(examples=["menu.txt"])]) -> Output:
    """Weak: `--output=…` makes a file wherever it is told to."""
    return run(["sort", public_name(name)], may_fail=True)


@router.get("/safe/options/sort/query")
def safe_sort_query(name: Annotated[str, Query(examples=["menu.txt"])]) -> Output:
    """Safe: one of the files that are there, behind `--`."""
    return run(["sort", "--", name if name in os.listdir(public_folder()) else "menu.txt"])


@router.post("/weak/options/tar/json")
def weak_tar_json(
    names: Annotated[list[str], Body(embed=True, examples=[["menu.txt", "prices.csv"]])],
) -> Output:
    """Weak: `--use-compress-program=…` and `--checkpoint-action=…` run commands."""
    words = [public_name(word) for name in names for word in name.split()]
    return run(["tar", "-c", "--mtime=@0", "-f", "-", *words, "welcome.txt"], may_fail=True)


@router.post("/safe/options/tar/json")
def safe_tar_json(
    names: Annotated[list[str], Body(embed=True, examples=[["menu.txt", "prices.csv"]])],
) -> Output:
    """Safe: files that are there, behind `--`."""
    there = os.listdir(public_folder())
    words = [name for name in names if name in there]
    return run(["tar", "-c", "--mtime=@0", "-f", "-", "--", *words, "welcome.txt"])
