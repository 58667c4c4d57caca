"""C2SP signed notes: a text, and who signed it.

Two of the format's signature types are known: Ed25519 (0x01), by which a log signs, and timestamped
Ed25519 cosignatures (0x04, `cosignature/v1`), by which witnesses do. Others are kept and ignored,
as the format asks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stockade.core.errors import AuditError

__all__ = ["COSIGNATURE", "ED25519", "Note", "Signature", "VerifierKey", "base64_bytes"]

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_BYTES = 1 << 20
MAX_SIGNATURES = 64
_MARK = "\N{EM DASH} "
_NAME = re.compile(r"[^\s+]+\Z")  # \s of a str is every Unicode space
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_ID_BYTES = 4
_KEY_BYTES = 32
_TIME_BYTES = 8


def base64_bytes(text: str) -> bytes | None:
    """What `text` encodes (RFC 4648, section 4, the only spelling of it); None if it does not."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Bits that nobody reads would let one signature be written in several ways.
    return data if base64.b64encode(data).decode() == text else None


class Signature(NamedTuple):
    """One signature line: the key's name and id, and what it made (after the id)."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        """The line, newline included."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"


class Note(NamedTuple):
    """A text, newline at its end, and its signatures. Nothing of it is true before `signers`."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Raises AuditError for what is not a signed note."""
        if len(data) > MAX_BYTES:
            raise AuditError("a signed note is longer than 1 MiB: this is none of a log")
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise AuditError("a signed note is not UTF-8: it was damaged") from None
        text, blank, lines = whole.rpartition("\n\n")
        if _CONTROL.search(whole) or not blank or not text or not lines.endswith("\n"):
            raise AuditError("this is no signed note: text, blank line and signatures are missing")
        signatures = tuple(map(_signature, lines.removesuffix("\n").split("\n")))
        if len(signatures) > MAX_SIGNATURES:
            raise AuditError(
                f"a note has more than {MAX_SIGNATURES} signatures: it is not believed"
            )
        return cls(f"{text}\n", signatures)

    def encode(self) -> bytes:
        """The note as it is written."""
        return f"{self.text}\n{''.join(one.line() for one in self.signatures)}".encode()

    def signers(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Which of `keys` signed, in the order of the lines.

        Raises AuditError where a line claims to be by one of them and is not: somebody changed the
        note. Lines of other keys are ignored.
        """
        known = {(key.name, key.key_id): key for key in keys}
        signed: list[VerifierKey] = []
        for one in self.signatures:
            key = known.get((one.name, one.key_id))
            if key is None:
                continue
            if not key.signed(self.text, one.data):
                raise AuditError(f"the signature by {key.name} is not one of this text")
            signed.append(key)
        return signed


class VerifierKey(NamedTuple):
    """A public key by which notes are verified; its text form is a `vkey`."""

    name: str
    public: bytes
    """32 bytes (RFC 8032)."""
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """Four bytes; they name the key, and prove nothing."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(data).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises AuditError for what is not a vkey of a known type."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        data = base64_bytes(encoded)
        if not _NAME.match(name) or data is None or len(data) != 1 + _KEY_BYTES:
            raise AuditError("this is no verifier key: it looks like NAME+8 hex digits+base64")
        if data[0] not in (ED25519, COSIGNATURE):
            raise AuditError(f"the verifier key is of type {data[0]}: only 1 and 4 are known here")
        key = cls(name, data[1:], data[0])
        if key.key_id.hex() != key_id:
            raise AuditError(
                "the verifier key's id is not that of its name and bytes: copy it anew"
            )
        return key

    def signed(self, text: str, data: bytes) -> bool:
        """Whether `data`, of a signature line, is this key's signature of `text`."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            time, data = data[:_TIME_BYTES], data[_TIME_BYTES:]
            stated = int.from_bytes(time, "big")
            message = b"cosignature/v1\ntime %d\n" % stated + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(data, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    data = base64_bytes(encoded)
    if not line.startswith(_MARK) or not space or not _NAME.match(name) or data is None:
        raise AuditError("a line after a note's blank line is no signature: it was damaged")
    if len(data) <= _ID_BYTES:
        raise AuditError("a note's signature has no bytes after its key id: it was cut short")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])
