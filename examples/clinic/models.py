"""The tables, by SQLAlchemy 2. What patients tell their doctors is sealed for its very row."""

import datetime
import uuid

from sqlalchemy import DateTime, Dialect, ForeignKey, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from examples.clinic.application import stockade
from stockade.crypto.sqlalchemy import SealedAttribute


class UtcDateTime(TypeDecorator[datetime.datetime]):
    """SQLite forgets the zone of a time; here all times are UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return value and value.replace(tzinfo=datetime.UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime.datetime: UtcDateTime, str: String(200)}  # noqa: RUF012


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str]


class Patient(Base):
    __tablename__ = "patients"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    born: Mapped[datetime.date]


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), index=True)
    author_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    written: Mapped[datetime.datetime]
    body_sealed: Mapped[bytes]
    body = SealedAttribute(lambda: stockade.keyring, "notes", "body")
