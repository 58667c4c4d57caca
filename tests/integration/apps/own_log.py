"""An application that protects itself where GUARDED is set, and is only itself where it is not."""

from __future__ import annotations

import logging
import os

from fastapi import FastAPI, WebSocket
from flask import Flask

logging.basicConfig(level=logging.INFO, format="OWN %(levelname)s %(message)s")
logger = logging.getLogger("shop")
app = FastAPI()
flask_app = Flask(__name__)


@app.get("/openapi-ready")
async def ready() -> str:
    return "ready"


@app.get("/buy/{item}")
async def buy(item: str) -> str:
    logger.info("bought")
    return item


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@flask_app.get("/openapi-ready")
def flask_ready() -> str:
    return "ready"


@flask_app.get("/buy/<item>")
def flask_buy(item: str) -> str:
    logger.info("bought")
    return item


if os.environ.get("GUARDED"):
    from stockade import Stockade

    Stockade.protect(app if os.environ["GUARDED"] == "asgi" else flask_app)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(os.environ["PORT"]))
