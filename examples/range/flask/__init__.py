"""The range on Flask: the same weaknesses in Flask's own idiom. **Loopback only.**

    python -m flask --app examples.range.flask run

One file a sink: `sql`, `shell`, `path`; `changed` for values that the application changes first;
`out_of_reach`; `routing` for how an endpoint says what it takes.
"""

from examples.range.flask.application import app

__all__ = ["app"]
