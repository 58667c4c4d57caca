"""SQL that changes data (sqlite3): INSERT, UPDATE, DELETE, and a script of several statements."""

from typing import Annotated

from fastapi import APIRouter, Body, Form, Query

from examples.range.data import connection

__all__ = ["router"]

router = APIRouter(tags=["sql"])

Text = Annotated[str, Form(examples=["call back"])]
Done = dict[str, int]


@router.post("/weak/sql/insert/form")
def weak_insert_form(body: Text) -> Done:
    """Weak and blind: a subquery in `body` stores what it read, for the attacker to look at."""
    with connection() as database:
        done = database.execute(f"INSERT INTO notes (owner, body) VALUES ('guest', '{body}')")
        return {"rows": done.rowcount}


@router.post("/safe/sql/insert/form")
def safe_insert_form(body: Text) -> Done:
    """Safe: a parameter."""
    with connection() as database:
        done = database.execute("INSERT INTO notes (owner, body) VALUES ('guest', ?)", (body,))
        return {"rows": done.rowcount}


@router.post("/weak/sql/update/json")
def weak_update_json(
    id: Annotated[int, Body(examples=[1])], body: Annotated[str, Body(examples=["tea at five"])]
) -> Done:
    """Weak: the number is checked by its type, the text is not."""
    with connection() as database:
        done = database.execute(f"UPDATE notes SET body = '{body}' WHERE id = {id}")
        return {"rows": done.rowcount}


@router.post("/safe/sql/update/json")
def safe_update_json(
    id: Annotated[int, Body(examples=[1])], body: Annotated[str, Body(examples=["tea at five"])]
) -> Done:
    """Safe: parameters."""
    with connection() as database:
        done = database.execute("UPDATE notes SET body = ? WHERE id = ?", (body, id))
        return {"rows": done.rowcount}


@router.delete("/weak/sql/delete/query")
def weak_delete_query(owner: Annotated[str, Query(examples=["nobody"])]) -> Done:
    """Weak: `' OR '1'='1` deletes everybody's notes."""
    with connection() as database:
        return {"rows": database.execute(f"DELETE FROM notes WHERE owner = '{owner}'").rowcount}


@router.delete("/safe/sql/delete/query")
def safe_delete_query(owner: Annotated[str, Query(examples=["nobody"])]) -> Done:
    """Safe: a parameter."""
    with connection() as database:
        return {"rows": database.execute("DELETE FROM notes WHERE owner = ?", (owner,)).rowcount}


@router.post("/weak/sql/script/form")
def weak_script_form(body: Text) -> dict[str, str]:
    """Weak: `executescript` runs as many statements as it is given, and gives no rows back."""
    with connection() as database:
        database.executescript(f"UPDATE notes SET body = '{body}' WHERE id = 2; PRAGMA optimize;")
    return {"status": "done"}


@router.post("/safe/sql/script/form")
def safe_script_form(body: Text) -> dict[str, str]:
    """Safe: one statement, one parameter; the script holds only what the developer wrote."""
    with connection() as database:
        database.execute("UPDATE notes SET body = ? WHERE id = 2", (body,))
        database.executescript("PRAGMA optimize;")
    return {"status": "done"}
