"""What comes in and what goes out. Whatever is not declared here is refused."""

import datetime
import uuid
from typing import Annotated, Literal

from pydantic import Field

from stockade import Secret
from stockade.boundary import Line, Model, Parameters, Text

Role = Literal["clinician", "reception", "admin"]


BirthDate = Annotated[
    datetime.date,
    # JSON Schema cannot compare dates: the pattern tells clients of the same bound.
    Field(
        ge=datetime.date(1890, 1, 1),
        json_schema_extra={"pattern": "^(189[0-9]|19[0-9]{2}|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}$"},
    ),
]


class SignInForm(Model):
    """Who signs in. The password is a secret from the moment it is read."""

    name: Line
    password: Secret[str]


class NewAccount(Model):
    """An account to be; its password is made, not chosen."""

    name: Line
    role: Role


class CreatedAccount(Model):
    """`password` is told this once; the database holds its Argon2id hash only."""

    name: str
    role: Role
    password: str


class NewPatient(Model):
    """Somebody to be registered."""

    name: Line
    born: BirthDate


class Patient(Model):
    """Somebody in the register."""

    id: uuid.UUID
    name: str
    born: datetime.date


class PatientQuery(Parameters):
    """`name` finds patients whose name holds it, in any case."""

    name: Line | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Annotated[int, Field(ge=0, le=100_000)] = 0


class NewNote(Model):
    """What a clinician writes; it is sealed before it is kept."""

    body: Annotated[Text, Field(min_length=1)]


class Note(Model):
    """What a clinician wrote, and when."""

    id: uuid.UUID
    author: str
    written: datetime.datetime
    body: Text
