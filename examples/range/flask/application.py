"""The application: every family's endpoints, joined."""

import sqlite3
from typing import Any

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from examples.range import data, loopback
from examples.range.endpoints import description
from examples.range.flask import changed, out_of_reach, path, shell, sql

__all__ = ["app"]

loopback.refuse_to_start_elsewhere()
loopback.watch_in_background()

app = Flask(__name__, static_folder=None)
SECTIONS = (sql.section, shell.section, path.section, changed.section, out_of_reach.section)
for section in SECTIONS:
    app.register_blueprint(section)


@app.before_request
def only_on_loopback() -> None:
    """Weak on purpose, so for this machine only."""
    if reason := loopback.refused(request.environ):
        abort(403, f"Refused: {reason}")
    data.create_once()


@app.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """What there is to attack."""
    endpoints = [endpoint for section in SECTIONS for endpoint in section.endpoints]
    return description("Stockade's range on Flask", endpoints)


@app.errorhandler(sqlite3.Error)
@app.errorhandler(SQLAlchemyError)
def database_error(_: Exception) -> ResponseReturnValue:
    """A query that the database did not understand."""
    return {"detail": "the database did not understand"}, 400


@app.errorhandler(OSError)
@app.errorhandler(ValueError)
def not_there(_: Exception) -> ResponseReturnValue:
    """A file that is not there, or a name that no file can have."""
    return {"detail": "no such thing"}, 404
