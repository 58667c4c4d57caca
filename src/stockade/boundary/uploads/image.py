"""Pictures: measured, decoded, and drawn anew, so that only pixels get through.

What it stops: pictures that are more than a picture (GIF and HTML, JPEG and PHAR, PNG and ZIP),
metadata that tells where somebody lives, pictures of billions of pixels, endless animations, and
decoders other than those declared. What it does not: a flaw in the decoder of a declared format
(confine the process, keep Pillow current, admit fewer formats; TIFF is off by default for that),
and pixels that say something bad. Whoever chooses every pixel can choose bytes of a new file, too;
the random name, our extension and `nosniff` are what makes them harmless.

Colours are kept as numbers and profiles dropped, so that a wide-gamut photograph looks duller.
A refusal by size or structure takes next to no memory. A picture within the bounds takes eight
bytes a pixel while it is drawn, WebP up to seventeen, also where only its end is damaged; two are
drawn at a time in a process.
Sources: ASVS 5.0 V5.2.2, V5.2.6 (pixels), V5.3; CWE-400, CWE-434, CWE-409; ITU-T T.81.
"""

from __future__ import annotations

import io
import threading
from typing import Any, BinaryIO, Final

from stockade.boundary.types.extras import needed
from stockade.boundary.uploads.contract import Contract, Judged, kinds_of, too_large
from stockade.boundary.uploads.headers import gif, jpeg, png, tiff, webp
from stockade.boundary.uploads.headers.measured import Limits, Measured, malformed
from stockade.boundary.uploads.kinds import Kind
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["Image"]

_MEASURES: Final = {
    "gif": gif.measure,
    "jpeg": jpeg.measure,
    "png": png.measure,
    "tiff": tiff.measure,
    "webp": webp.measure,
}
_SECONDS: Final = 20.0
_decoders = threading.BoundedSemaphore(2)


class Image(Contract):
    """A picture of one of the formats, drawn anew in the same format without its metadata."""

    def __init__(
        self,
        *,
        formats: tuple[str, ...] = ("jpeg", "png", "webp"),
        max_pixels: int = 24_000_000,
        max_frames: int = 1,
        max_bytes: int = 10 << 20,
        quality: int = 90,
    ) -> None:
        """`formats` of jpeg, png, webp, gif, tiff; `max_pixels` counts those of all frames.

        Raises ConfigError for another format. `quality` is that of JPEG and lossy WebP, 1 to 95.
        The picture drawn anew may take twice `max_bytes`.
        """
        self.kinds = kinds_of(formats, _MEASURES, "Image")
        self.max_bytes = max_bytes
        self.limits = Limits(max_pixels, max_frames)
        self.quality = quality

    def judge(self, file: BinaryIO, kind: Kind) -> Judged:
        """See Contract. The content is the new picture."""
        pillow = needed("PIL.Image", "Image")
        measured = _MEASURES[kind.name](file, self.limits)
        measured.drawn.seek(0)
        if not _decoders.acquire(timeout=_SECONDS):
            raise Unfit("busy", "Too many pictures are being read. Try again.", status=503)
        try:
            return Judged(kind, self._drawn_anew(pillow, measured, kind))
        except Unfit:
            raise
        except Exception:  # decoders raise nearly anything at damaged input
            raise malformed() from None
        finally:
            _decoders.release()

    def _drawn_anew(self, pillow: Any, measured: Measured, kind: Kind) -> bytes:
        frames, durations, loop = _frames(pillow, measured, kind)
        output = _Bounded(2 * self.max_bytes)
        options: dict[str, Any] = {"format": kind.name.upper()}
        if kind.name == "jpeg":
            options |= {"quality": self.quality}
        elif kind.name == "webp":
            options |= {"quality": self.quality, "lossless": measured.lossless}
        elif kind.name == "tiff":
            options |= {"compression": "tiff_lzw"}
        if len(frames) > 1:
            options |= {"save_all": True, "append_images": frames[1:]}
            if kind.name != "tiff":
                options |= {"duration": durations, "loop": loop}
        frames[0].save(output, **options)
        return output.getvalue()


class _Bounded(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any) -> int:
        written = super().write(data)
        if self.tell() > self._limit:
            raise too_large(self._limit)
        return written


def _frames(pillow: Any, measured: Measured, kind: Kind) -> tuple[list[Any], list[int], int]:
    """Copies that hold pixels and nothing else, milliseconds of each, and how often to repeat."""
    frames, durations = [], []
    with pillow.open(measured.drawn, formats=(kind.name.upper(),)) as picture:
        loop = picture.info.get("loop", 1)
        for number in range(measured.frames):
            try:
                picture.seek(number)
            except EOFError:
                break
            wide, high = picture.size
            if wide > measured.width or high > measured.height:
                raise malformed()  # the decoder reads another size than we did
            frames.append(_bare(picture))
            durations.append(min(max(int(picture.info.get("duration", 0)), 0), 60_000))
    if not frames:
        raise malformed()
    return frames, durations, loop if isinstance(loop, int) and 0 <= loop <= 65_535 else 0


def _bare(picture: Any) -> Any:
    upright = needed("PIL.ImageOps", "Image").exif_transpose
    picture.load()
    transparency = picture.info.get("transparency")
    # A copy is of no format's class any more, which would carry tags over to the new file.
    copy = upright(picture) if picture.getexif().get(_ORIENTATION) else picture.copy()
    copy.info = {} if transparency is None else {"transparency": transparency}
    return copy


_ORIENTATION: Final = 0x0112
