from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Keyring, Sealed, SealedAttribute

KEYRING = Keyring.ephemeral()
DIAGNOSIS = "idiopathic hypersomnia"


class Base(DeclarativeBase):
    pass


class Patient(Base):
    __tablename__ = "patients"
    id: Mapped[int] = mapped_column(primary_key=True)
    nickname: Mapped[str]
    diagnosis: Mapped[str | None] = mapped_column(Sealed(KEYRING, "patients", "diagnosis"))
    address: Mapped[str | None] = mapped_column(Sealed(lambda: KEYRING, "patients", "address"))


class Record(Base):
    __tablename__ = "records"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    note_sealed: Mapped[bytes | None]
    note = SealedAttribute(KEYRING, "records", "note", row="id")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clinic.db"


@pytest.fixture
def engine(file: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{file}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def store(engine: sa.Engine, *objects: object) -> None:
    with Session(engine) as session:
        session.add_all(objects)
        session.commit()


def execute(file: Path, sql: str, *values: object) -> list[Any]:
    """As whoever can write the database, without the keys."""
    connection = sqlite3.connect(file)
    try:
        rows = connection.execute(sql, values).fetchall()
        connection.commit()
        return rows
    finally:
        connection.close()


def everything_on_disk(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(file.name + "*")))


def test_the_stolen_database_file(engine: sa.Engine, file: Path) -> None:
    """In a plain column the text is in the file's bytes; in a sealed one it is not."""
    store(engine, Patient(id=1, nickname=DIAGNOSIS.upper(), diagnosis=DIAGNOSIS, address="12 Elm"))
    stolen = everything_on_disk(file)
    assert DIAGNOSIS.upper().encode() in stolen
    assert DIAGNOSIS.encode() not in stolen
    for n in range(len(DIAGNOSIS) - 7):
        assert DIAGNOSIS[n : n + 8].encode() not in stolen
    with Session(engine) as session:
        patient = session.get_one(Patient, 1)
        assert (patient.diagnosis, patient.address) == (DIAGNOSIS, "12 Elm")
    ((raw, kind),) = execute(file, "select diagnosis, typeof(diagnosis) from patients")
    assert kind == "blob"
    assert len(raw) == 73 + len(DIAGNOSIS)


@pytest.mark.parametrize("value", [None, "", "é\U0001f3e5", "x" * 100_000])
def test_values_come_back(engine: sa.Engine, value: str | None) -> None:
    store(engine, Patient(id=1, nickname="n", diagnosis=value))
    with Session(engine) as session:
        assert session.get_one(Patient, 1).diagnosis == value
        nulls = session.scalars(sa.select(Patient.id).where(Patient.diagnosis.is_(None))).all()
        assert bool(nulls) == (value is None)


def test_rotation(engine: sa.Engine, file: Path) -> None:
    store(engine, Patient(id=1, nickname="old", diagnosis=DIAGNOSIS))
    KEYRING.rotate()
    store(engine, Patient(id=2, nickname="new", diagnosis=DIAGNOSIS))
    with Session(engine) as session:
        assert set(session.scalars(sa.select(Patient.diagnosis))) == {DIAGNOSIS}
    ((old,), (new,)) = execute(file, "select diagnosis from patients order by id")
    assert old[1:33] != new[1:33]


def reading(engine: sa.Engine, column: Any) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(sa.select(column).order_by(Patient.id)))


def test_changed_bytes_are_refused_and_told(
    engine: sa.Engine, file: Path, audit_events: list[Event]
) -> None:
    store(engine, Patient(id=1, nickname="n", diagnosis=DIAGNOSIS))
    ((raw,),) = execute(file, "select diagnosis from patients")
    execute(file, "update patients set diagnosis = ?", raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(CryptoError, match="bytes were changed"):
        reading(engine, Patient.diagnosis)
    assert [event.name for event in audit_events] == ["crypt_decrypt_fail"]
    assert DIAGNOSIS not in repr(audit_events)


def test_a_value_moved_to_another_column_is_refused(
    engine: sa.Engine, file: Path, audit_events: list[Event]
) -> None:
    store(engine, Patient(id=1, nickname="n", diagnosis=DIAGNOSIS, address="12 Elm"))
    execute(file, "update patients set address = diagnosis")
    assert reading(engine, Patient.diagnosis) == [DIAGNOSIS]
    with pytest.raises(CryptoError, match="another column"):
        reading(engine, Patient.address)
    assert audit_events[-1].name == "crypt_decrypt_fail"


@pytest.mark.parametrize("old", ["plain text from before", 17])
def test_plain_values_from_before_are_refused(engine: sa.Engine, file: Path, old: object) -> None:
    store(engine, Patient(id=1, nickname="n"))
    execute(file, "update patients set diagnosis = ?", old)
    with pytest.raises(CryptoError) as caught:
        reading(engine, Patient.diagnosis)
    assert str(old) not in str(caught.value)


def test_a_value_moved_to_another_row(engine: sa.Engine, file: Path) -> None:
    """`Sealed` does not know the row and lets it pass; `SealedAttribute` refuses it."""
    store(
        engine,
        Patient(id=1, nickname="alice", diagnosis=DIAGNOSIS),
        Patient(id=2, nickname="mallory", diagnosis="none"),
    )
    execute(
        file,
        "update patients set diagnosis = (select diagnosis from patients where id = 1)",
    )
    assert reading(engine, Patient.diagnosis) == [DIAGNOSIS, DIAGNOSIS]

    alice, mallory = uuid.uuid4(), uuid.uuid4()
    store(engine, Record(id=alice, note=DIAGNOSIS), Record(id=mallory, note="none"))
    with Session(engine) as session:
        assert session.get_one(Record, alice).note == DIAGNOSIS
        assert session.get_one(Record, mallory).note == "none"
    execute(
        file,
        "update records set note_sealed = (select note_sealed from records where id = ?)",
        alice.hex,
    )
    with Session(engine) as session:
        assert session.get_one(Record, alice).note == DIAGNOSIS
        with pytest.raises(CryptoError, match="another row"):
            _ = session.get_one(Record, mallory).note


def test_a_row_without_an_identity_is_refused() -> None:
    with pytest.raises(CryptoError, match="set it before"):
        Record(note="x")
    record = Record(id=uuid.uuid4(), note=None)
    assert record.note is None


def test_comparisons_are_refused_instead_of_finding_nothing() -> None:
    for compare in (
        lambda: Patient.diagnosis == DIAGNOSIS,
        lambda: Patient.diagnosis.like("a%"),
        lambda: Patient.diagnosis.in_([DIAGNOSIS]),
        lambda: sa.select(Patient).order_by(Patient.diagnosis.desc()),
    ):
        with pytest.raises(CryptoError, match="cannot be compared"):
            compare()
    assert "IS NULL" in str(sa.select(Patient.id).where(Patient.diagnosis == None))  # noqa: E711


def test_a_query_written_out_holds_the_sealed_value(engine: sa.Engine, file: Path) -> None:
    insert = sa.insert(Patient).values(id=1, nickname="n", diagnosis=DIAGNOSIS, address=None)
    text = str(insert.compile(engine, compile_kwargs={"literal_binds": True}))
    assert DIAGNOSIS not in text
    execute(file, text)
    assert reading(engine, Patient.diagnosis) == [DIAGNOSIS]
    assert reading(engine, Patient.address) == [None]
    elsewhere = insert.compile(
        dialect=sa.make_url("postgresql://").get_dialect()(), compile_kwargs={"literal_binds": True}
    )
    assert "'\\x01" in str(elsewhere)


def test_other_types_are_refused(engine: sa.Engine) -> None:
    with pytest.raises((CryptoError, sa.exc.StatementError), match="holds text"):
        store(engine, Patient(id=1, nickname="n", diagnosis=17))


def test_a_failing_statement_does_not_show_the_value(engine: sa.Engine) -> None:
    """SQLAlchemy prints parameters in its errors: here they are sealed already."""
    store(engine, Patient(id=1, nickname="n", diagnosis=DIAGNOSIS))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        store(engine, Patient(id=1, nickname="n", diagnosis=DIAGNOSIS))
    assert DIAGNOSIS not in str(caught.value)


def test_two_columns_have_two_cache_keys() -> None:
    first, second = Sealed(KEYRING, "patients", "a"), Sealed(KEYRING, "patients", "b")
    assert first._static_cache_key != second._static_cache_key
