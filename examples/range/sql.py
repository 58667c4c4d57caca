"""SQL through the driver (sqlite3): each position in a SELECT, each place a value can come from."""

from typing import Annotated

from fastapi import APIRouter, Body, Cookie, Form, Header, Path, Query

from examples.range.data import Row, rows

__all__ = ["router"]

router = APIRouter(tags=["sql"])

Name = Annotated[str, Query(examples=["Notebook"])]
Filter = Annotated[dict[str, str], Body(examples=[{"name": "Notebook"}])]
_COLUMNS = ("id", "name", "price")


@router.get("/weak/sql/string/query")
def weak_string_query(name: Name) -> list[Row]:
    """Weak: a quote in `name` ends the string, and the rest is SQL."""
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@router.get("/safe/sql/string/query")
def safe_string_query(name: Name) -> list[Row]:
    """Safe: the driver sends `name` apart from the statement."""
    return rows("SELECT id, name, price FROM products WHERE name = ?", (name,))


@router.post("/weak/sql/string/form")
def weak_string_form(
    user: Annotated[str, Form(examples=["ann"])], password: Annotated[str, Form(examples=["x"])]
) -> list[Row]:
    """Weak: signing in as anybody takes `' OR '1'='1`."""
    return rows(
        f"SELECT id, name, role FROM users WHERE name = '{user}' AND password = '{password}'"
    )


@router.post("/safe/sql/string/form")
def safe_string_form(
    user: Annotated[str, Form(examples=["ann"])], password: Annotated[str, Form(examples=["x"])]
) -> list[Row]:
    """Safe: parameters."""
    return rows(
        "SELECT id, name, role FROM users WHERE name = ? AND password = ?", (user, password)
    )


@router.post("/weak/sql/string/json")
def weak_string_json(name: Annotated[str, Body(embed=True, examples=["Tea"])]) -> list[Row]:
    """Weak: JSON quotes a string for JSON, not for SQL."""
    return rows(f"SELECT id, name FROM products WHERE name = '{name}'")


@router.post("/safe/sql/string/json")
def safe_string_json(name: Annotated[str, Body(embed=True, examples=["Tea"])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, name FROM products WHERE name = ?", (name,))


@router.get("/weak/sql/string/header")
def weak_string_header(x_customer: Annotated[str, Header(examples=["ann"])]) -> list[Row]:
    """Weak: a header is as untrusted as a query."""
    return rows(f"SELECT id, body FROM notes WHERE owner = '{x_customer}'")


@router.get("/safe/sql/string/header")
def safe_string_header(x_customer: Annotated[str, Header(examples=["ann"])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, body FROM notes WHERE owner = ?", (x_customer,))


@router.get("/weak/sql/string/cookie")
def weak_string_cookie(customer: Annotated[str, Cookie(examples=["ann"])]) -> list[Row]:
    """Weak: a cookie comes from the client, whoever set it."""
    return rows(f"SELECT id, body FROM notes WHERE owner = '{customer}'")


@router.get("/safe/sql/string/cookie")
def safe_string_cookie(customer: Annotated[str, Cookie(examples=["ann"])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, body FROM notes WHERE owner = ?", (customer,))


@router.get("/weak/sql/string/path/{name}")
def weak_string_path(name: Annotated[str, Path(examples=["Tea"])]) -> list[Row]:
    """Weak: a segment of the path, percent-decoded by the server, holds all but a slash."""
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@router.get("/safe/sql/string/path/{name}")
def safe_string_path(name: Annotated[str, Path(examples=["Tea"])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, name, price FROM products WHERE name = ?", (name,))


@router.get("/weak/sql/number/query")
def weak_number_query(id: Annotated[str, Query(examples=["1"])]) -> list[Row]:
    """Weak: where a number is expected, no quote is needed to go on in SQL."""
    return rows(f"SELECT id, name, price FROM products WHERE id = {id}")


@router.get("/safe/sql/number/query")
def safe_number_query(id: Annotated[int, Query(examples=[1])]) -> list[Row]:
    """Safe twice: the type admits a number only, and it is a parameter."""
    return rows("SELECT id, name, price FROM products WHERE id = ?", (id,))


@router.get("/weak/sql/number/path/{id}")
def weak_number_path(id: Annotated[str, Path(examples=["2"])]) -> list[Row]:
    """Weak: the same number in the path."""
    return rows(f"SELECT id, name, price FROM products WHERE id = {id}")


@router.get("/safe/sql/number/path/{id}")
def safe_number_path(id: Annotated[str, Path(examples=["2"])]) -> list[Row]:
    """Safe: a parameter, even as text."""
    return rows("SELECT id, name, price FROM products WHERE id = ?", (id,))


@router.get("/weak/sql/like/query")
def weak_like_query(q: Annotated[str, Query(examples=["Note"])]) -> list[Row]:
    """Weak: a search box is the classic."""
    return rows(f"SELECT id, name, price FROM products WHERE name LIKE '%{q}%' AND price < 100")


@router.get("/safe/sql/like/query")
def safe_like_query(q: Annotated[str, Query(examples=["Note"])]) -> list[Row]:
    """Safe: the wild cards are added to the parameter, not to the statement."""
    return rows(
        "SELECT id, name, price FROM products WHERE name LIKE ? AND price < 100", (f"%{q}%",)
    )


@router.get("/weak/sql/order-by/query")
def weak_order_by_query(column: Annotated[str, Query(examples=["name"])]) -> list[Row]:
    """Weak: a name cannot be a parameter, so people paste it; an expression fits there too."""
    return rows(f"SELECT id, name, price FROM products WHERE price < 100 ORDER BY {column}")


@router.get("/safe/sql/order-by/query")
def safe_order_by_query(column: Annotated[str, Query(examples=["name"])]) -> list[Row]:
    """Safe: the request chooses from a list; the text comes from the list."""
    chosen = _COLUMNS[_COLUMNS.index(column)] if column in _COLUMNS else "id"
    return rows(f"SELECT id, name, price FROM products WHERE price < 100 ORDER BY {chosen}")


@router.get("/weak/sql/in/query")
def weak_in_query(names: Annotated[str, Query(examples=["Tea,Pencil"])]) -> list[Row]:
    """Weak: a list that is joined by hand."""
    listed = "','".join(names.split(","))
    return rows(f"SELECT id, name, price FROM products WHERE (name IN ('{listed}'))")


@router.get("/safe/sql/in/query")
def safe_in_query(names: Annotated[str, Query(examples=["Tea,Pencil"])]) -> list[Row]:
    """Safe: one question mark an entry."""
    listed = names.split(",")[:50]
    marks = ",".join("?" * len(listed))
    return rows(f"SELECT id, name, price FROM products WHERE (name IN ({marks}))", tuple(listed))


@router.post("/weak/sql/column/json-key")
def weak_column_json_key(wanted: Filter) -> list[Row]:
    """Weak: the values are parameters, but the names of the fields are not."""
    condition = " AND ".join(f"{column} = ?" for column in wanted)
    return rows(f"SELECT id, name, price FROM products WHERE {condition}", tuple(wanted.values()))


@router.post("/safe/sql/column/json-key")
def safe_column_json_key(wanted: Filter) -> list[Row]:
    """Safe: only known columns, taken from the list that the developer wrote."""
    known = [column for column in _COLUMNS if column in wanted]
    condition = " AND ".join(f"{column} = ?" for column in known) or "1 = 0"
    return rows(
        f"SELECT id, name, price FROM products WHERE {condition}",
        tuple(wanted[column] for column in known),
    )


@router.get("/weak/sql/blind/header")
def weak_blind_header(x_user: Annotated[str, Header(examples=["ann"])]) -> dict[str, bool]:
    """Weak: it answers only yes or no, and an attacker reads the database one bit at a time."""
    return {"known": bool(rows(f"SELECT 1 FROM users WHERE name = '{x_user}'"))}


@router.get("/safe/sql/blind/header")
def safe_blind_header(x_user: Annotated[str, Header(examples=["ann"])]) -> dict[str, bool]:
    """Safe: a parameter."""
    return {"known": bool(rows("SELECT 1 FROM users WHERE name = ?", (x_user,)))}
