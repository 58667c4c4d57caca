"""A Flask service that protects itself: what workers count is summed up, however they are started."""

from flask import Flask

from stockade import Stockade

app = Flask(__name__)


@app.get("/counted/<int:number>")
def counted(number: int) -> str:
    """Take a request."""
    return str(number)


Stockade.protect(app)
