"""Signing in and out, and the sign of life."""

from fastapi import APIRouter, Request, Response

from examples.clinic import access  # installs the guard  # noqa: F401
from examples.clinic.schemas import SignInForm
from stockade.access.fastapi import sign_in, sign_out

router = APIRouter()


@router.get("/health")
def health() -> str:
    """Say that the service is there."""
    return "ok"


@router.post(
    "/sign-in", status_code=204, responses={401: {"description": "Not this name and password."}}
)
def begin(form: SignInForm, request: Request, response: Response) -> None:
    """Begin a session; its token is a cookie."""
    sign_in(request, response, form.name, form.password.reveal())


@router.post("/sign-out", status_code=204)
def end(request: Request, response: Response) -> None:
    """End the session, if there is one."""
    sign_out(request, response)
