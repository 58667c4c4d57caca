"""SQL through Django: `raw`, `extra`, `RawSQL` and cursors; the ORM's own queries are the twins."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL
from django.http import HttpResponseBase

from examples.range.django.models import Note, Product, User
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

__all__ = ["section"]

section = Section()


def products(found: Any) -> HttpResponseBase:
    return answer([{"id": each.id, "name": each.name, "price": each.price} for each in found])


def fetched(statement: str, values: list[Any] | None = None) -> HttpResponseBase:
    """The rows that a cursor gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return answer([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])


@section.describe("GET", "/weak/sql/raw/query", query("name", "Tea"))
def weak_raw_query(request: Request) -> HttpResponseBase:
    """Weak: `raw` takes parameters, but nobody must use them."""
    return products(
        Product.objects.raw(f"SELECT * FROM products WHERE name = '{request.GET['name']}'")
    )


@section.describe("GET", "/safe/sql/raw/query", query("name", "Tea"))
def safe_raw_query(request: Request) -> HttpResponseBase:
    """Safe: a parameter."""
    return products(
        Product.objects.raw("SELECT * FROM products WHERE name = %s", [request.GET["name"]])
    )


@section.describe("POST", "/weak/sql/extra/form", form("owner", "ann"))
def weak_extra_form(request: Request) -> HttpResponseBase:
    """Weak: a condition that the ORM pastes."""
    owner = request.POST["owner"].replace("%", "%%")
    return answer(list(Note.objects.extra(where=[f"owner = '{owner}'"]).values("id", "body")))


@section.describe("POST", "/safe/sql/extra/form", form("owner", "ann"))
def safe_extra_form(request: Request) -> HttpResponseBase:
    """Safe: the ORM's own filter."""
    return answer(list(Note.objects.filter(owner=request.POST["owner"]).values("id", "body")))


@section.describe("POST", "/weak/sql/raw-sql/json", json_value("least", "2"))
def weak_raw_sql_json(request: Request) -> HttpResponseBase:
    """Weak: an expression of its own, with a number that is none."""
    cheaper = RawSQL(f"price >= {str(body(request)['least']).replace('%', '%%')}", [])
    return products(Product.objects.annotate(cheaper=cheaper).filter(cheaper=True))


@section.describe("POST", "/safe/sql/raw-sql/json", json_value("least", "2"))
def safe_raw_sql_json(request: Request) -> HttpResponseBase:
    """Safe: a parameter."""
    cheaper = RawSQL("price >= %s", [int(body(request)["least"])])
    return products(Product.objects.annotate(cheaper=cheaper).filter(cheaper=True))


@section.describe("GET", "/weak/sql/cursor/header", header("x-customer", "ann"))
def weak_cursor_header(request: Request) -> HttpResponseBase:
    """Weak: a cursor is a cursor."""
    return fetched(f"SELECT id, body FROM notes WHERE owner LIKE '{request.headers['x-customer']}'")


@section.describe("GET", "/safe/sql/cursor/header", header("x-customer", "ann"))
def safe_cursor_header(request: Request) -> HttpResponseBase:
    """Safe: a parameter."""
    return fetched(
        "SELECT id, body FROM notes WHERE owner LIKE %s", [request.headers["x-customer"]]
    )


@section.describe("GET", "/weak/sql/having/cookie", cookie("least", "1"))
def weak_having_cookie(request: Request) -> HttpResponseBase:
    """Weak: a number at the end of a grouped query."""
    return fetched(
        "SELECT owner, count(*) AS n FROM notes GROUP BY owner "
        f"HAVING count(*) >= {request.COOKIES['least']}"
    )


@section.describe("GET", "/safe/sql/having/cookie", cookie("least", "1"))
def safe_having_cookie(request: Request) -> HttpResponseBase:
    """Safe: a parameter."""
    return fetched(
        "SELECT owner, count(*) AS n FROM notes GROUP BY owner HAVING count(*) >= %s",
        [int(request.COOKIES["least"])],
    )


@section.describe("GET", "/weak/sql/case/path/<str:name>", path("name", "Tea"))
def weak_case_path(request: Request, name: str) -> HttpResponseBase:
    """Weak: a string in an expression that gives the rows their order."""
    return fetched(
        "SELECT id, name, price FROM products WHERE price < 5 "
        f"ORDER BY CASE WHEN name = '{name}' THEN 0 ELSE 1 END, price"
    )


@section.describe("GET", "/safe/sql/case/path/<str:name>", path("name", "Tea"))
def safe_case_path(request: Request, name: str) -> HttpResponseBase:
    """Safe: a parameter."""
    return fetched(
        "SELECT id, name, price FROM products WHERE price < 5 "
        "ORDER BY CASE WHEN name = %s THEN 0 ELSE 1 END, price",
        [name],
    )


@section.describe("POST", "/weak/sql/select/json-key", json_key({"name": "shown"}))
def weak_select_json_key(request: Request) -> HttpResponseBase:
    """Weak: `extra` again, the names of what is selected."""
    columns = {f"c{number}": name for number, name in enumerate(body(request))}
    return answer(list(Product.objects.extra(select=columns).values("id", *columns)))


@section.describe("POST", "/safe/sql/select/json-key", json_key({"name": "shown"}))
def safe_select_json_key(request: Request) -> HttpResponseBase:
    """Safe: known columns."""
    columns = [name for name in body(request) if name in ("name", "price")]
    return answer(list(Product.objects.values("id", *columns)))


@section.describe("POST", "/weak/sql/update/part", part("body", "tea at six"))
def weak_update_part(request: Request) -> HttpResponseBase:
    """Weak and blind: a cursor that changes a row."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE notes SET body = trim('{request.POST['body']}') WHERE id = 2")
        return answer({"rows": cursor.rowcount})


@section.describe("POST", "/safe/sql/update/part", part("body", "tea at six"))
def safe_update_part(request: Request) -> HttpResponseBase:
    """Safe: the ORM."""
    return answer({"rows": Note.objects.filter(id=2).update(body=request.POST["body"].strip())})


@section.describe("POST", "/weak/sql/exists/file-name", file("upload", "tea at four"))
def weak_exists_file_name(request: Request) -> HttpResponseBase:
    """Weak and blind: the name of an upload (Django takes its folders off, and no more)."""
    name = request.FILES["upload"].name
    return fetched(f"SELECT EXISTS(SELECT 1 FROM users WHERE name = '{name}') AS known")


@section.describe("POST", "/safe/sql/exists/file-name", file("upload", "tea at four"))
def safe_exists_file_name(request: Request) -> HttpResponseBase:
    """Safe: the ORM."""
    known = User.objects.filter(name=request.FILES["upload"].name).exists()
    return answer([{"known": known}])
