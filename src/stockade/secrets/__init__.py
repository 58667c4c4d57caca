"""Secrets: references that are resolved at run time, and an account of who read what.

    from stockade.secrets import Secrets
    secrets = Secrets(settings.secrets)
    password = secrets["database"]            # a Secret[str]; nothing has been read yet
    engine = connect(password.reveal())       # read now, kept, and accounted for

A reference is `env:NAME`, `file:PATH`, or a text around such references in braces:
`postgresql://clinic:{env:DB_PASSWORD}@db/clinic`. In a URL the inserted values are
percent-encoded, so that a password with `@` or `/` in it stays a password.

`live` knows every value in use, for `core.secret.Redactor`. `refresh()` reads the sources again;
this version does so only when it is asked to, and knows no secret server yet.
"""

from stockade.secrets.live import Live
from stockade.secrets.references import Reference, parse
from stockade.secrets.resolver import Secrets, live, resolve
from stockade.secrets.sources import SOURCES

__all__ = ["SOURCES", "Live", "Reference", "Secrets", "live", "parse", "resolve"]
