"""SQL through SQLAlchemy's `text()`, on a synchronous and an asynchronous engine."""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Body, Cookie, Form, Header, Path, Query
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from examples.range.data import Row, database_file

__all__ = ["close", "router"]

router = APIRouter(tags=["sql"])

Name = Annotated[str, Query(examples=["Notebook"])]
Change = Annotated[dict[str, str], Body(examples=[{"body": "tea at six"}])]


@cache
def engine() -> Engine:
    """The synchronous engine, made at the first request."""
    return create_engine(f"sqlite:///{database_file()}", poolclass=NullPool)


@cache
def async_engine() -> AsyncEngine:
    """The asynchronous engine (aiosqlite), made at the first request."""
    return create_async_engine(f"sqlite+aiosqlite:///{database_file()}", poolclass=NullPool)


async def close() -> None:
    """Close what was opened."""
    if async_engine.cache_info().currsize:
        await async_engine().dispose()


def select(statement: str, **values: Any) -> list[Row]:
    """The rows that `statement` gives."""
    with engine().connect() as connection:
        return [dict(row) for row in connection.execute(text(statement), values).mappings()]


async def select_async(statement: str, **values: Any) -> list[Row]:
    """The same on the asynchronous engine."""
    async with async_engine().connect() as connection:
        found = await connection.execute(text(statement), values)
        return [dict(row) for row in found.mappings()]


@router.get("/weak/alchemy/string/query")
def weak_string_query(name: Name) -> list[Row]:
    """Weak: `text()` protects nothing by itself; it takes the string as it is."""
    return select(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@router.get("/safe/alchemy/string/query")
def safe_string_query(name: Name) -> list[Row]:
    """Safe: a bound parameter."""
    return select("SELECT id, name, price FROM products WHERE name = :name", name=name)


@router.get("/weak/alchemy/async/query")
async def weak_async_query(name: Name) -> list[Row]:
    """Weak: the statement runs on another thread, which changes nothing about it."""
    return await select_async(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@router.get("/safe/alchemy/async/query")
async def safe_async_query(name: Name) -> list[Row]:
    """Safe: a bound parameter."""
    return await select_async("SELECT id, name, price FROM products WHERE name = :name", name=name)


@router.post("/weak/alchemy/number/form")
def weak_number_form(id: Annotated[str, Form(examples=["1"])]) -> list[Row]:
    """Weak: a form field is text, whatever the page shows."""
    return select(f"SELECT id, owner, body FROM notes WHERE id = {id}")


@router.post("/safe/alchemy/number/form")
def safe_number_form(id: Annotated[str, Form(examples=["1"])]) -> list[Row]:
    """Safe: a bound parameter."""
    return select("SELECT id, owner, body FROM notes WHERE id = :id", id=id)


@router.post("/weak/alchemy/in/json")
def weak_in_json(ids: Annotated[list[str], Body(embed=True, examples=[["1", "2"]])]) -> list[Row]:
    """Weak: a list that is joined by hand."""
    return select(f"SELECT id, name, price FROM products WHERE (id IN ({', '.join(ids)}))")


@router.post("/safe/alchemy/in/json")
def safe_in_json(ids: Annotated[list[str], Body(embed=True, examples=[["1", "2"]])]) -> list[Row]:
    """Safe: one bound parameter an entry."""
    values = {f"id{number}": value for number, value in enumerate(ids[:50])}
    marks = ", ".join(f":{name}" for name in values)
    return select(f"SELECT id, name, price FROM products WHERE (id IN ({marks}))", **values)


@router.post("/weak/alchemy/update/json-key")
def weak_update_json_key(change: Change) -> dict[str, int]:
    """Weak: the fields that a client may set are whatever it says they are."""
    assignments = ", ".join(f"{column} = :v{n}" for n, column in enumerate(change))
    values = {f"v{number}": value for number, value in enumerate(change.values())}
    with engine().begin() as connection:
        done = connection.execute(text(f"UPDATE notes SET {assignments} WHERE id = 3"), values)
        return {"rows": done.rowcount}


@router.post("/safe/alchemy/update/json-key")
def safe_update_json_key(change: Change) -> dict[str, int]:
    """Safe: one known field."""
    with engine().begin() as connection:
        done = connection.execute(
            text("UPDATE notes SET body = :body WHERE id = 3"), {"body": change.get("body", "")}
        )
        return {"rows": done.rowcount}


@router.get("/weak/alchemy/string/header")
def weak_string_header(x_owner: Annotated[str, Header(examples=["ann"])]) -> list[Row]:
    """Weak: a function around the string, parentheses around that; both can be closed."""
    return select(f"SELECT id, body FROM notes WHERE (lower(owner) = lower('{x_owner}'))")


@router.get("/safe/alchemy/string/header")
def safe_string_header(x_owner: Annotated[str, Header(examples=["ann"])]) -> list[Row]:
    """Safe: a bound parameter."""
    return select("SELECT id, body FROM notes WHERE (lower(owner) = lower(:owner))", owner=x_owner)


@router.get("/weak/alchemy/like/cookie")
def weak_like_cookie(search: Annotated[str, Cookie(examples=["tea"])]) -> list[Row]:
    """Weak: the last search, remembered in a cookie."""
    return select(f"SELECT id, body FROM notes WHERE id < 100 AND body LIKE '%{search}%'")


@router.get("/safe/alchemy/like/cookie")
def safe_like_cookie(search: Annotated[str, Cookie(examples=["tea"])]) -> list[Row]:
    """Safe: a bound parameter."""
    return select(
        "SELECT id, body FROM notes WHERE id < 100 AND body LIKE :pattern", pattern=f"%{search}%"
    )


@router.get("/weak/alchemy/order-by/path/{column}")
def weak_order_by_path(column: Annotated[str, Path(examples=["price"])]) -> list[Row]:
    """Weak: the order of a list, in its address."""
    return select(f"SELECT id, name, price FROM products WHERE price < 100 ORDER BY {column} DESC")


@router.get("/safe/alchemy/order-by/path/{column}")
def safe_order_by_path(column: Annotated[str, Path(examples=["price"])]) -> list[Row]:
    """Safe: a choice of two statements."""
    if column == "price":
        return select("SELECT id, name, price FROM products WHERE price < 100 ORDER BY price DESC")
    return select("SELECT id, name, price FROM products WHERE price < 100 ORDER BY name DESC")
