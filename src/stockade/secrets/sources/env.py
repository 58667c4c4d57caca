"""`env:NAME`: an environment variable.

Other processes of the same user read a process's first environment in /proc; `file:` is better
where there is a choice (ASVS 5.0 V13.3.1 asks for a vault).
"""

from __future__ import annotations

import os
import re

from stockade.core.errors import SecretError

__all__ = ["EnvSource"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class EnvSource:
    """Reads the environment of this process, each time it is asked."""

    scheme = "env"

    def resolve(self, locator: str) -> str:
        """The value of the variable. Raises SecretError where it is unset or empty."""
        if not _NAME.match(locator):
            raise SecretError("an env: reference does not name an environment variable")
        value = os.environ.get(locator, "")
        if not value:
            state = "empty" if locator in os.environ else "not set"
            raise SecretError(
                f"the environment variable {locator}, which a secret refers to, is {state}; set it "
                "where the service is started"
            )
        return value
