"""Sealed columns for SQLAlchemy 2: the application sees text, the database sees bytes.

`Sealed` is a column type and binds a value to its column. `SealedAttribute` binds it to its row as
well, so that whoever can write the database cannot move one patient's record to another.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from stockade.core.bus import emit
from stockade.core.errors import ConfigError, CryptoError
from stockade.core.events import Outcome
from stockade.core.ports import Sealer

try:
    from sqlalchemy import LargeBinary
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql import operators
    from sqlalchemy.types import TypeDecorator
except ImportError:  # pragma: no cover
    raise ConfigError(
        'sealed columns need SQLAlchemy: pip install "stockade[sqlalchemy]"'
    ) from None

if TYPE_CHECKING:
    from stockade.crypto.keyring import Keyring

__all__ = ["Sealed", "SealedAttribute"]


class _Refusal(TypeDecorator.Comparator[Any]):
    """A sealed value differs each time it is sealed: comparing would silently find nothing."""

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        null_test = op in (operators.is_, operators.is_not)
        if null_test or (op in (operators.eq, operators.ne) and other == (None,)):
            return super().operate(op, *other, **kwargs)
        raise _not_comparable()

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        raise _not_comparable()


def _not_comparable() -> CryptoError:
    return CryptoError(
        "a sealed column cannot be compared, searched or sorted by the database: load the rows by "
        "another column, or keep a keyed fingerprint (Keyring.mac) beside it"
    )


class Sealed(TypeDecorator[str]):
    """`str` in the application, a sealed record in the database; NULL stays NULL.

    `mapped_column(Sealed(keyring, "patients", "diagnosis"))`. `keys` is a Keyring, a Sealer, or a
    function that gives either, for models that are imported before the keyring is open. Reading
    bytes that were changed, or sealed for another column, raises CryptoError and emits
    `crypt_decrypt_fail`. The length of a value can be told from its record.
    """

    impl = LargeBinary
    # What was read with one key set must not be built from another column's: the three arguments
    # are attributes of the same names, from which SQLAlchemy makes its cache key.
    cache_ok = True
    comparator_factory = _Refusal  # pyright: ignore[reportAssignmentType]

    def __init__(
        self, keys: Keyring | Sealer | Callable[[], Keyring | Sealer], table: str, column: str
    ) -> None:
        super().__init__()
        self.keys = keys
        self.table = table
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise CryptoError(f"{self.table}.{self.column} holds text: convert the value to str")
        return _sealer(self.keys, self.table, self.column).seal(value.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        record = value if isinstance(value, bytes) else _record(value)
        return _sealer(self.keys, self.table, self.column).open(record).decode()

    def literal_processor(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, dialect: Dialect
    ) -> Callable[[str | None], str]:
        """Write a value into a query's text sealed: refusing would have it in the error instead."""
        opening, closing = ("'\\x", "'::bytea") if dialect.name == "postgresql" else ("X'", "'")

        def process(value: str | None) -> str:
            record = self.process_bind_param(value, dialect)
            return "NULL" if record is None else f"{opening}{record.hex()}{closing}"

        return process


class SealedAttribute:
    """`str` on the model, sealed for its row in another attribute, which holds the bytes.

        id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
        diagnosis_sealed: Mapped[bytes | None]
        diagnosis = SealedAttribute(keyring, "patients", "diagnosis", row="id")

    The row's identity (`str`, `int`, `bytes` or UUID) must be set before the value, so give the
    model an id of its own making, not the database's. Errors: CryptoError.
    """

    def __init__(
        self,
        keys: Keyring | Sealer | Callable[[], Keyring | Sealer],
        table: str,
        column: str,
        *,
        row: str = "id",
        store: str | None = None,
    ) -> None:
        """`store` is the attribute that holds the bytes, by default `<column>_sealed`."""
        self._keys = keys
        self._table = table
        self._column = column
        self._row = row
        self._store = store or f"{column}_sealed"

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> SealedAttribute: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> str | None: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> SealedAttribute | str | None:
        if instance is None:
            return self
        record = getattr(instance, self._store)
        if record is None:
            return None
        sealer = _sealer(self._keys, self._table, self._column)
        return sealer.open(_record(record), self._identity(instance)).decode()

    def __set__(self, instance: object, value: str | None) -> None:
        if value is None:
            setattr(instance, self._store, None)
            return
        sealer = _sealer(self._keys, self._table, self._column)
        setattr(instance, self._store, sealer.seal(value.encode(), self._identity(instance)))

    def _identity(self, instance: object) -> bytes:
        match getattr(instance, self._row):
            case bytes(row):
                return b"b" + row
            case str(row):
                return b"s" + row.encode()
            case bool():
                pass
            case int(row):
                return b"i%d" % row
            case uuid.UUID(bytes=row):
                return b"u" + row
        raise CryptoError(
            f"{self._table}.{self._column} is sealed for its row, but {self._row!r} is not set (or "
            "not str, int, bytes or UUID): set it before the value, for instance to uuid.uuid4()"
        )


def _sealer(keys: Any, table: str, column: str) -> Sealer:
    from stockade.crypto.keyring import Keyring

    given: Any = keys() if callable(keys) else keys
    return given.sealer(table, column) if isinstance(given, Keyring) else given


def _record(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)  # drivers differ
    emit(
        "crypt_decrypt_fail",
        Outcome.BLOCKED,
        "crypto",
        "A sealed column holds something that is no sealed record.",
        rule="crypto.open",
        cause="not_bytes",
    )
    raise CryptoError(
        "a sealed column holds something that is not bytes: seal the old values first"
    )
