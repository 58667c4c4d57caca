"""The range on Django, without a project. **Loopback only.**

    python -m gunicorn --bind 127.0.0.1:8000 examples.range.django:app

One file a sink: `sql` (the ORM's ways to write SQL, and cursors), `shell`, `path`; `changed` for
values that the application changes first; `out_of_reach`; `routing` for how an endpoint says what
it takes; `settings` before anything of Django's is used.
"""

from examples.range.django.application import app

__all__ = ["app"]
