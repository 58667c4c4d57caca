"""What comes in and what goes out. Whatever is not declared here is refused."""

import datetime
import uuid
from typing import Annotated, Literal

from pydantic import Field

from stockade import Secret
from stockade.boundary import Line, Model, Parameters, Text

Role = Literal["clinician", "reception", "admin"]


class SignInForm(Model):
    name: Line
    password: Secret[str]


class NewAccount(Model):
    name: Line
    role: Role


class CreatedAccount(Model):
    """`password` is told this once; the database holds its Argon2id hash only."""

    name: str
    role: Role
    password: str


class NewPatient(Model):
    name: Line
    born: Annotated[datetime.date, Field(ge=datetime.date(1890, 1, 1))]


class Patient(Model):
    id: uuid.UUID
    name: str
    born: datetime.date


class PatientQuery(Parameters):
    """`name` finds patients whose name holds it, in any case."""

    name: Line | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Annotated[int, Field(ge=0, le=100_000)] = 0


class NewNote(Model):
    body: Annotated[Text, Field(min_length=1)]


class Note(Model):
    id: uuid.UUID
    author: str
    written: datetime.datetime
    body: str
