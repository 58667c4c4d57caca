"""A weak shop on Flask that knows nothing of Stockade."""

import os

from flask import Flask, request, send_file
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.integration.apps.weak_queries import find, prepare, read

prepare()
app = Flask(__name__)


@app.get("/find")
def find_item() -> str:
    return find(request.args["name"])


@app.get("/item/<path:name>")
def item(name: str) -> str:
    return find(name)


@app.post("/form")
def form() -> str:
    file = request.files.get("file")
    return find(request.form.get("name", "")) + find(file.filename or "" if file else "")


@app.get("/read")
def read_file() -> str:
    return read(request.args["file"])


@app.get("/download")
def download():  # type: ignore[no-untyped-def]
    return send_file(os.path.abspath("files/a.txt"))


behind_proxy = ProxyFix(app)

if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
