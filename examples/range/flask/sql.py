"""SQL (sqlite3, SQLAlchemy): each position, each place where Flask keeps a value."""

from __future__ import annotations

from functools import cache

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from examples.range.data import connection, database_file, rows
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

__all__ = ["section"]

section = Section("sql", __name__)
_COLUMNS = ("id", "name", "price")


@cache
def engine() -> Engine:
    """Made at the first request."""
    return create_engine(f"sqlite:///{database_file()}", poolclass=NullPool)


@section.describe("GET", "/weak/sql/group-by/query", query("column", "name"))
def weak_group_by_query() -> ResponseReturnValue:
    """Weak: the column to group by, pasted before more SQL."""
    column = request.args["column"]
    return rows(f"SELECT count(*) AS n, min(price) AS least FROM products GROUP BY {column}")


@section.describe("GET", "/safe/sql/group-by/query", query("column", "name"))
def safe_group_by_query() -> ResponseReturnValue:
    """Safe: the text comes from the developer's list."""
    column = request.args["column"]
    chosen = _COLUMNS[_COLUMNS.index(column)] if column in _COLUMNS else "id"
    return rows(f"SELECT count(*) AS n, min(price) AS least FROM products GROUP BY {chosen}")


@section.describe(
    "POST", "/weak/sql/sign-in/form", form("user", "ann"), form("password", "correct horse")
)
def weak_sign_in_form() -> ResponseReturnValue:
    """Weak: the sign-in of every tutorial that one should not follow."""
    user, password = request.form["user"], request.form["password"]
    return rows(
        f"SELECT name, role FROM users WHERE (name = '{user}') AND (password = '{password}')"
    )


@section.describe(
    "POST", "/safe/sql/sign-in/form", form("user", "ann"), form("password", "correct horse")
)
def safe_sign_in_form() -> ResponseReturnValue:
    """Safe: parameters."""
    return rows(
        "SELECT name, role FROM users WHERE (name = :user) AND (password = :password)",
        {"user": request.form["user"], "password": request.form["password"]},
    )


@section.describe("POST", "/weak/sql/like/json", json_value("search", "Note"))
def weak_like_json() -> ResponseReturnValue:
    """Weak: `get_json` gives a string, as it came."""
    search = request.get_json()["search"]
    return rows(f"SELECT id, name, price FROM products WHERE name LIKE '%{search}%'")


@section.describe("POST", "/safe/sql/like/json", json_value("search", "Note"))
def safe_like_json() -> ResponseReturnValue:
    """Safe: the wild cards are added to the parameter."""
    search = request.get_json()["search"]
    return rows("SELECT id, name, price FROM products WHERE name LIKE ?", (f"%{search}%",))


@section.describe("GET", "/weak/sql/number/header", header("x-product", "1"))
def weak_number_header() -> ResponseReturnValue:
    """Weak: a number that nobody made a number of."""
    return rows(f"SELECT id, name, price FROM products WHERE id = {request.headers['x-product']}")


@section.describe("GET", "/safe/sql/number/header", header("x-product", "1"))
def safe_number_header() -> ResponseReturnValue:
    """Safe: `int` first, then a parameter."""
    number = int(request.headers["x-product"])
    return rows("SELECT id, name, price FROM products WHERE id = ?", (number,))


@section.describe("GET", "/weak/sql/exists/cookie", cookie("session", "ann"))
def weak_exists_cookie() -> ResponseReturnValue:
    """Weak and blind: yes or no is enough."""
    session = request.cookies["session"]
    found = rows(f"SELECT EXISTS(SELECT 1 FROM users WHERE name = '{session}') AS known")
    return {"known": bool(found[0]["known"])}


@section.describe("GET", "/safe/sql/exists/cookie", cookie("session", "ann"))
def safe_exists_cookie() -> ResponseReturnValue:
    """Safe: a parameter."""
    session = request.cookies["session"]
    found = rows("SELECT EXISTS(SELECT 1 FROM users WHERE name = ?) AS known", (session,))
    return {"known": bool(found[0]["known"])}


@section.describe("GET", "/weak/sql/string/path/<path:name>", path("name", "Tea"))
def weak_string_path(name: str) -> ResponseReturnValue:
    """Weak: Flask's `path` converter lets everything through, slashes too."""
    return rows(f"SELECT id, name, price FROM products WHERE name IN (\"Tea\", '{name}')")


@section.describe("GET", "/safe/sql/string/path/<path:name>", path("name", "Tea"))
def safe_string_path(name: str) -> ResponseReturnValue:
    """Safe: a parameter."""
    return rows("SELECT id, name, price FROM products WHERE name IN ('Tea', ?)", (name,))


@section.describe("POST", "/weak/sql/filter/json-key", json_key({"name": "Tea"}))
def weak_filter_json_key() -> ResponseReturnValue:
    """Weak: the values are parameters, the names of the members are not."""
    wanted = request.get_json()
    condition = " OR ".join(f"{column} = ?" for column in wanted)
    return rows(f"SELECT id, name FROM products WHERE {condition}", tuple(wanted.values()))


@section.describe("POST", "/safe/sql/filter/json-key", json_key({"name": "Tea"}))
def safe_filter_json_key() -> ResponseReturnValue:
    """Safe: only known columns."""
    wanted = request.get_json()
    known = [column for column in _COLUMNS if column in wanted]
    condition = " OR ".join(f"{column} = ?" for column in known) or "1 = 0"
    return rows(
        f"SELECT id, name FROM products WHERE {condition}",
        tuple(wanted[column] for column in known),
    )


@section.describe("POST", "/weak/sql/insert/part", part("owner", "ann"), part("body", "tea at six"))
def weak_insert_part() -> ResponseReturnValue:
    """Weak and blind: two texts of a multipart form, beside each other in a row."""
    owner, body = request.form["owner"], request.form["body"]
    with connection() as database:
        database.execute(f"INSERT INTO notes (owner, body) VALUES ('{owner}', '{body}')")
    return {"stored": True}


@section.describe("POST", "/safe/sql/insert/part", part("owner", "ann"), part("body", "tea at six"))
def safe_insert_part() -> ResponseReturnValue:
    """Safe: parameters."""
    values = (request.form["owner"], request.form["body"])
    with connection() as database:
        database.execute("INSERT INTO notes (owner, body) VALUES (?, ?)", values)
    return {"stored": True}


@section.describe("POST", "/weak/sql/string/file-name", file("upload", "tea at four"))
def weak_string_file_name() -> ResponseReturnValue:
    """Weak: the name of a file is what its sender says it is."""
    name = request.files["upload"].filename
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@section.describe("POST", "/safe/sql/string/file-name", file("upload", "tea at four"))
def safe_string_file_name() -> ResponseReturnValue:
    """Safe: a parameter."""
    name = request.files["upload"].filename
    return rows("SELECT id, name, price FROM products WHERE name = ?", (name,))


@section.describe("PUT", "/weak/alchemy/update/json", json_value("body", "tea at six"))
def weak_alchemy_update_json() -> ResponseReturnValue:
    """Weak: `text()` takes the statement as it is."""
    body = request.get_json()["body"]
    with engine().begin() as session:
        done = session.execute(text(f"UPDATE notes SET body = upper('{body}') WHERE id = 3"))
        return {"rows": done.rowcount}


@section.describe("PUT", "/safe/alchemy/update/json", json_value("body", "tea at six"))
def safe_alchemy_update_json() -> ResponseReturnValue:
    """Safe: a bound parameter."""
    values = {"body": request.get_json()["body"]}
    with engine().begin() as session:
        done = session.execute(text("UPDATE notes SET body = upper(:body) WHERE id = 3"), values)
        return {"rows": done.rowcount}


@section.describe("GET", "/weak/alchemy/in/query", query("ids", "1,2"))
def weak_alchemy_in_query() -> ResponseReturnValue:
    """Weak: a list of numbers, pasted as it came."""
    statement = f"SELECT id, name FROM products WHERE id IN ({request.args['ids']})"
    with engine().connect() as session:
        return [dict(row) for row in session.execute(text(statement)).mappings()]


@section.describe("GET", "/safe/alchemy/in/query", query("ids", "1,2"))
def safe_alchemy_in_query() -> ResponseReturnValue:
    """Safe: numbers, each a bound parameter."""
    values = {f"id{n}": int(each) for n, each in enumerate(request.args["ids"].split(",")[:50])}
    marks = ", ".join(f":{name}" for name in values)
    statement = f"SELECT id, name FROM products WHERE id IN ({marks})"
    with engine().connect() as session:
        return [dict(row) for row in session.execute(text(statement), values).mappings()]


@section.describe("DELETE", "/weak/sql/attach/query", query("file", "archive.db"))
def weak_attach_query() -> ResponseReturnValue:
    """Weak: `ATTACH` opens, and makes, the file that it is told to, though the name is bound."""
    with connection() as database:
        database.execute(
            "ATTACH DATABASE ? AS old", (str(database_file().parent / request.args["file"]),)
        )
        database.execute("CREATE TABLE IF NOT EXISTS old.notes (owner TEXT, body TEXT)")
    return {"archived": True}


@section.describe("DELETE", "/safe/sql/attach/query", query("file", "archive.db"))
def safe_attach_query() -> ResponseReturnValue:
    """Safe: one of the names that the developer wrote."""
    name = "archive.db" if request.args["file"] == "archive.db" else "other.db"
    with connection() as database:
        database.execute("ATTACH DATABASE ? AS old", (str(database_file().parent / name),))
        database.execute("CREATE TABLE IF NOT EXISTS old.notes (owner TEXT, body TEXT)")
    return {"archived": True}
