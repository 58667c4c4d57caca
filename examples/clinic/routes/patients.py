"""The register of patients."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from sqlalchemy import select

from examples.clinic import models
from examples.clinic.access import GUARDED, may
from examples.clinic.application import stockade
from examples.clinic.database import Database
from examples.clinic.schemas import NewPatient, Patient, PatientQuery

router = APIRouter(prefix="/patients", responses=GUARDED)

NO_PATIENT: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such patient."}}


@router.post(
    "",
    status_code=201,
    response_model=Patient,
    dependencies=[Depends(may("patients:write"))],
)
def create(new: NewPatient, database: Database) -> models.Patient:
    """Register a patient."""
    patient = models.Patient(id=uuid.uuid4(), name=new.name, born=new.born)
    database.add(patient)
    database.commit()
    stockade.event("sensitive_create", about="patient", id=patient.id)
    return patient


@router.get("", response_model=list[Patient], dependencies=[Depends(may("patients:read"))])
def find(query: Annotated[PatientQuery, Query()], database: Database) -> Sequence[models.Patient]:
    """Find patients, in the order of their names."""
    wanted = select(models.Patient).order_by(models.Patient.name, models.Patient.id)
    if query.name is not None:
        wanted = wanted.where(models.Patient.name.icontains(query.name, autoescape=True))
    patients = database.scalars(wanted.limit(query.limit).offset(query.offset)).all()
    stockade.event("sensitive_read", about="patient.register", count=len(patients))
    return patients


@router.get(
    "/{patient_id}",
    response_model=Patient,
    dependencies=[Depends(may("patients:read"))],
    responses=NO_PATIENT,
)
def read(patient_id: uuid.UUID, database: Database) -> models.Patient:
    """Read one patient's entry."""
    patient = found(database, patient_id)
    stockade.event("sensitive_read", about="patient", id=patient_id)
    return patient


def found(database: Database, patient_id: uuid.UUID) -> models.Patient:
    """The patient of this id, or the answer 404."""
    patient = database.get(models.Patient, patient_id)
    if patient is None:
        raise HTTPException(404, "There is no such patient.")
    return patient
