"""Tiles and checkpoints in an object store that speaks S3: any of them can serve the log.

The spool and the lock stay in the local folder, so one host writes a prefix. Two that are given the
same one by mistake find out: neither's log extends the other's, and both refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from stockade.core.errors import ConfigError

__all__ = ["ObjectStore", "S3Client"]

_TYPES = {"checkpoint": "text/plain; charset=utf-8"}
_TILE = "application/octet-stream"
_MOST_KEYS = 1_000  # of one DeleteObjects


class S3Client(Protocol):
    """What of boto3's S3 client is used."""

    # Their names are those of the protocol.
    def get_object(self, **request: Any) -> dict[str, Any]: ...

    def put_object(self, **request: Any) -> Any: ...

    def delete_objects(self, **request: Any) -> dict[str, Any]: ...

    def get_paginator(self, name: str, /) -> Any: ...


class ObjectStore:
    """A `Storage` below a prefix of a bucket. Whatever fails there is an OSError here."""

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def __repr__(self) -> str:
        return f"ObjectStore('s3://{self._bucket}/{self._prefix}')"

    @classmethod
    def open(cls, url: str) -> ObjectStore:
        """The store at `s3://bucket/prefix`; credentials and region are found as boto3 finds them.

        Raises ConfigError for another address, and where boto3 is not installed.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise ConfigError("watch.audit_store is an address such as s3://bucket/prefix")
        try:
            import boto3
        except ImportError:
            raise ConfigError(
                'an audit log in an object store needs an extra: pip install "stockade[aws]"'
            ) from None
        client: Any = boto3.client("s3")  # its methods are made at run time
        return cls(client, parts.netloc, parts.path)

    def read(self, name: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            data: bytes = answer["Body"].read()
        except Exception as error:
            if _code(error) in ("NoSuchKey", "404"):
                return None
            raise _failed(error) from None
        return data

    def write(self, name: str, data: bytes) -> None:
        """An object is whole or not there, and durable when this returns."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + name,
                Body=data,
                ContentType=_TYPES.get(name, _TILE),
                CacheControl="no-cache"
                if name in _TYPES
                else "public, immutable, max-age=31536000",
            )
        except Exception as error:
            raise _failed(error) from None

    def settle(self, names: Iterable[str]) -> None:
        """Nothing is left to do."""

    def remove(self, names: Iterable[str]) -> None:
        keys: list[str] = []
        for name in names:
            keys += (name, *(f"{name}/{below}" for below in self.below(name)))
        for start in range(0, len(keys), _MOST_KEYS):
            some = [{"Key": self._prefix + key} for key in keys[start : start + _MOST_KEYS]]
            try:
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": some, "Quiet": True}
                )
            except Exception as error:
                raise _failed(error) from None
            if answer.get("Errors"):
                raise OSError("the object store did not remove all that it was asked to")

    def below(self, name: str) -> Sequence[str]:
        folder = f"{self._prefix}{name}/"
        found = []
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=folder, Delimiter="/"
            )
            for page in pages:
                found += [one["Key"] for one in page.get("Contents", ())]
                found += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
        except Exception as error:
            raise _failed(error) from None
        return sorted(key.removeprefix(folder).rstrip("/") for key in found)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) else ""


def _failed(error: Exception) -> OSError:
    """boto3's errors share no base that could be named without importing it."""
    return OSError(None, f"the object store: {_code(error) or type(error).__name__}")
