"""What clinicians write about a patient. A note is sealed before it reaches the database."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select

from examples.clinic import models
from examples.clinic.access import GUARDED, may
from examples.clinic.application import stockade
from examples.clinic.database import Database
from examples.clinic.routes.patients import NO_PATIENT, found
from examples.clinic.schemas import NewNote, Note

router = APIRouter(prefix="/patients/{patient_id}/notes", responses=GUARDED | NO_PATIENT)


@router.post("", status_code=201)
def create(
    patient_id: uuid.UUID,
    new: NewNote,
    author: Annotated[str, Depends(may("notes:write"))],
    database: Database,
) -> uuid.UUID:
    """Write a note; its id."""
    note = models.Note(
        id=uuid.uuid4(),  # before the body, which is sealed for this id
        patient_id=found(database, patient_id).id,
        author_id=author,
        written=datetime.datetime.now(datetime.UTC),
        body=new.body,
    )
    database.add(note)
    database.commit()
    stockade.event("sensitive_create", about="patient.notes", id=patient_id)
    return note.id


@router.get("", dependencies=[Depends(may("notes:read"))])
def read(patient_id: uuid.UUID, database: Database) -> list[Note]:
    """Read what was written about a patient, the oldest first."""
    patient = found(database, patient_id)
    wanted = (
        select(models.Note, models.Account.name)
        .join(models.Account, models.Account.id == models.Note.author_id)
        .where(models.Note.patient_id == patient.id)
        .order_by(models.Note.written)
    )
    notes = [
        Note(id=note.id, author=author, written=note.written, body=note.body or "")
        for note, author in database.execute(wanted)
    ]
    # After they were opened and before they leave: what cannot be told is told of as a failure.
    stockade.event("sensitive_read", about="patient.notes", id=patient_id, count=len(notes))
    return notes
