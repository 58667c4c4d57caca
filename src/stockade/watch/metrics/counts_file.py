"""The bytes of a file of counts: what it is, a digest, and a snapshot in MessagePack."""

from __future__ import annotations

import hashlib

import msgspec

from stockade.watch.metrics.snapshot import Snapshot

__all__ = ["decode", "encode"]

_MAGIC = b"stockade counts 1\n"
_DIGEST_BYTES = 16
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """The bytes of a file of counts."""
    payload = _encoder.encode(snapshot)
    return _MAGIC + hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest() + payload


def decode(data: bytes) -> Snapshot:
    """What `encode` was given. Raises ValueError for anything else."""
    start = len(_MAGIC) + _DIGEST_BYTES
    payload = data[start:]
    digest = hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest()
    if data[:start] != _MAGIC + digest:
        raise ValueError("no file of counts, or not all of one")
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("counts of another shape") from None
