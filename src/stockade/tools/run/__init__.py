"""`stockade run`: an unmodified server, guarded from the start of its interpreter.

A small supervisor confines itself (children inherit that), starts the command with
`stockade.boot`'s folder first on PYTHONPATH, passes signals on and gives back the exit code. Each
interpreter reports through an inherited pipe; where none does, the supervisor says so loudly and,
in block mode, ends the command: a defence that is not there must not look like one that is.
"""

from stockade.tools.run.launch import run

__all__ = ["run"]
