"""FastAPI: an upload as a dependency, judged in a thread and gone after the request unless stored.

    photo = received(quarantine, Image(), "photo")

    @app.post("/photos")
    def upload(photo: Annotated[Upload, Depends(photo)]) -> str:
        return photo.store(photos)

The OpenAPI document shows a file field, its types and its sizes. No `from __future__ import
annotations` here, for FastAPI reads the annotations.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from stockade.boundary.uploads.contract import Contract
from stockade.boundary.uploads.quarantine import Quarantine
from stockade.boundary.uploads.upload import Upload

try:
    from fastapi import File, UploadFile
except ImportError:
    raise ImportError(
        'this needs FastAPI, which is not installed: pip install "stockade[fastapi]"'
    ) from None

__all__ = ["received"]


def received(
    quarantine: Quarantine, contract: Contract, field: str = "file"
) -> Callable[[Any], Iterator[Upload]]:
    """A dependency that gives the checked `Upload` of the form field `field`.

    It raises Rejected, which a protected application answers as a problem document. A plain
    function, which FastAPI runs in a thread: decoding blocks.
    """
    declared = File(alias=field, description=contract.about(quarantine.max_bytes))

    def upload(file: Annotated[UploadFile, declared]) -> Iterator[Upload]:
        with quarantine.receive(file, contract, field=field) as received:
            yield received

    return upload
