"""What is declared of an upload: the base of `Image`, `Archive`, `Csv` and `Document`.

A contract is used in three ways. `Quarantine.receive(file, Image())` is for uploads. As an
annotation, `Annotated[Base64Bytes, Image()]`, it checks bytes inside a model. And
`Image().checked(content)` works alone.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stockade.boundary.uploads.kinds import HEAD, KINDS, Kind, is_svg, looks_like
from stockade.boundary.uploads.refusal import Unfit, refuse
from stockade.core.errors import ConfigError

__all__ = ["Contract", "Judged", "kinds_of"]


class Judged(NamedTuple):
    """What content turned out to be; `content` is what to keep instead, None to keep it as is."""

    kind: Kind
    content: bytes | None = None


class Contract:
    """Subclasses say which `kinds` they admit and judge what looks like one of them."""

    kinds: tuple[Kind, ...]
    max_bytes: int
    """Bytes that `checked` and annotations take; an upload's limit is its quarantine's as well."""

    def judge(self, file: BinaryIO, kind: Kind) -> Judged:
        """`file`, from its start, whose first bytes say `kind`. Raises Unfit."""
        raise NotImplementedError

    def examine(self, file: BinaryIO, filename: str = "") -> Judged:
        """The verdict on an open, seekable file; its position is lost. Raises Unfit.

        `filename` is the client's; where there is one, its extension has to fit the content.
        """
        if file.seek(0, io.SEEK_END) > self.max_bytes:
            raise too_large(self.max_bytes)
        kind = self._recognised(file)
        if filename and not filename.lower().endswith(kind.extensions):
            raise Unfit("extension", f"The file's content is {kind.name}, its name says otherwise.")
        file.seek(0)
        return self.judge(file, kind)

    def checked(self, content: bytes, *, filename: str = "", field: str = "") -> bytes:
        """`content` as it may be kept: the same, or made anew. Raises Rejected, with an event."""
        try:
            judged = self.examine(io.BytesIO(content), filename)
        except Unfit as unfit:
            refused = refuse(
                unfit,
                field=field,
                length=len(content),
                digest=hashlib.sha256(content).digest(),
                filename=filename,
            )
        else:
            return content if judged.content is None else judged.content
        raise refused

    def _recognised(self, file: BinaryIO) -> Kind:
        file.seek(0)
        head = file.read(HEAD)
        if not head:
            raise Unfit("empty", "The file is empty.")
        for kind in self.kinds:
            if looks_like(kind.name, head):
                return kind
        if is_svg(head):
            raise Unfit(
                "svg",
                "SVG is not taken: it can hold scripts. Send the picture as PNG.",
                status=415,
            )
        raise self.other_type()

    def other_type(self) -> Unfit:
        """The refusal of content of no admitted kind."""
        names = ", ".join(kind.name for kind in self.kinds)
        return Unfit("type", f"Expected a file of the type {names}.", status=415)

    def about(self, limit: int | None = None) -> str:
        """What is taken, for documentation: types, extensions, sizes, and what becomes of the rest.

        `limit` is in bytes; the contract's own where there is none smaller.
        """
        kinds = ", ".join(f"{kind.name} ({', '.join(kind.extensions)})" for kind in self.kinds)
        size = min(self.max_bytes, self.max_bytes if limit is None else limit)
        return (
            f"A file of the type {kinds}, of at most {size:,} bytes{self.bounds()}. Another type, "
            "a name that does not fit, and a damaged or hostile file are refused and not kept."
        )

    def bounds(self) -> str:
        """What else is bounded, as the end of a sentence; empty for nothing."""
        return ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._validated, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        about = {"description": self.about()}
        # A reference has no neighbours in older drafts; the type's own words are kept.
        return about | handler(schema)

    def _validated(self, value: bytes | str) -> bytes | str:
        content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        try:
            judged = self.examine(io.BytesIO(content))
        except Unfit as unfit:
            problem = _as_pydantic(unfit)
        else:
            return value if judged.content is None else judged.content
        raise problem


def _as_pydantic(unfit: Unfit) -> PydanticCustomError:
    # Both are constants of this package, filled in with what the declaration says.
    kind: Any = "stockade.upload_" + unfit.rule.replace("-", "_")
    detail: Any = unfit.detail.replace("{", "(").replace("}", ")")
    return PydanticCustomError(kind, detail)


def too_large(limit: int) -> Unfit:
    """The refusal of a file of more than `limit` bytes."""
    return Unfit("size", f"The file may hold at most {limit:,} bytes.", status=413)


def kinds_of(
    names: tuple[str, ...], known: Mapping[str, object], contract: str
) -> tuple[Kind, ...]:
    """The kinds of these names. Raises ConfigError for one that `contract` does not know."""
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigError(
            f"{contract}: formats may be {', '.join(sorted(known))}, "
            f"not {', '.join(unknown) or 'none at all'}; see docs/how-to/take-uploads.md"
        )
    return tuple(KINDS[name] for name in names)
