"""The result of measuring a picture, and the reading that all formats share."""

from __future__ import annotations

import io
from typing import BinaryIO, NamedTuple

from stockade.boundary.uploads.refusal import Unfit

__all__ = ["Limits", "Measured", "exactly", "malformed", "within"]


class Limits(NamedTuple):
    """Pixels of all frames together, and frames."""

    pixels: int
    frames: int


class Measured(NamedTuple):
    """Pixels and frames as the headers promise; `drawn` is what the decoder is to be given."""

    width: int
    height: int
    frames: int
    drawn: io.BytesIO | BinaryIO
    lossless: bool = False


def malformed() -> Unfit:
    """The refusal of what does not keep to its format."""
    return Unfit("image-malformed", "The picture is damaged or does not keep to its format.")


def exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises Unfit where there are fewer."""
    data = file.read(count)
    if len(data) != count:
        raise malformed()
    return data


def within(limits: Limits, width: int, height: int, frames: int) -> None:
    """Raises Unfit unless a picture of that size is admitted."""
    if width < 1 or height < 1:
        raise malformed()
    if frames > limits.frames:
        raise Unfit("image-frames", f"The picture may have at most {limits.frames:,} frames.")
    if width * height * max(frames, 1) > limits.pixels:
        detail = f"The picture may have at most {limits.pixels:,} pixels, of all frames together."
        raise Unfit("image-pixels", detail, status=413)
