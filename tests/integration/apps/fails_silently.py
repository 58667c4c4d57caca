"""Applications that fail where no request shows it: FastAPI (`app`) and Flask (`flask_app`)."""

import asyncio
import os
import threading
import time

from fastapi import FastAPI
from flask import Flask

app = FastAPI()
flask_app = Flask(__name__)
CANARY = "7f3a-told-in-confidence"


async def send_mail(address: str) -> None:
    raise ConnectionError(address)


def index(document: str) -> None:
    raise ValueError(document)


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


@app.get("/forgets")
async def forgets() -> str:
    asyncio.create_task(send_mail(CANARY))  # noqa: RUF006  nobody holds it, and nobody asks
    return "sent"


@app.get("/blocks")
async def blocks() -> str:
    time.sleep(0.8)  # noqa: ASYNC251  the mistake that is looked for
    return "done"


@flask_app.get("/pid")
def flask_pid() -> str:
    return str(os.getpid())


@flask_app.get("/forgets")
def flask_forgets() -> str:
    threading.Thread(target=index, args=(CANARY,)).start()
    return "started"
