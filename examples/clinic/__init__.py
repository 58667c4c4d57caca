"""The clinic: patient records on FastAPI and SQLAlchemy, defended by Stockade. Read it, copy it.

uvicorn examples.clinic:app
"""

from examples.clinic.application import app
from examples.clinic.routes import accounts, notes, patients, signing

for part in (signing, patients, notes, accounts):
    app.include_router(part.router)

__all__ = ["app"]
