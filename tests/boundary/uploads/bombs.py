"""Files that are small and become large, made here, so that no bomb lies in the repository."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import PIL.Image

MIB = 1 << 20


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, rows: int | None = None, extra: bytes = b"") -> bytes:
    """A grey PNG of one colour; `rows` fewer than `height` is a promise that is not kept."""
    engine = zlib.compressobj(9)
    line = b"\x00" * (width + 1)
    data = b"".join(engine.compress(line) for _ in range(height if rows is None else rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + extra
        + png_chunk(b"IDAT", data + engine.flush())
        + png_chunk(b"IEND", b"")
    )


def png_text(chunks: int) -> bytes:
    """A PNG of one pixel, with comments of a mebibyte each."""
    text = b"\x00\x00" + zlib.compress(b" " * (MIB - 16), 9)
    comments = [png_chunk(b"zTXt", b"key %d" % number + text) for number in range(chunks)]
    return png(1, 1, extra=b"".join(comments))


def tiff(width: int, height: int, *, tile: int = 0) -> bytes:
    """A grey TIFF of one strip, or of one tile that is `tile` pixels wide and high."""
    engine = zlib.compressobj(9)
    line = b"\x00" * (tile or width)
    strip = b"".join(engine.compress(line) for _ in range(tile or height)) + engine.flush()
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    if tile:
        tags += [(322, 4, tile), (323, 4, tile), (324, 4, 8), (325, 4, len(strip))]
    else:
        tags += [(273, 4, 8), (278, 4, height), (279, 4, len(strip))]
    entries = b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(tags)
    )
    at = 8 + len(strip)
    return (
        b"II*\x00"
        + struct.pack("<I", at)
        + strip
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def gif(screen: tuple[int, int], frame: tuple[int, int], frames: int) -> bytes:
    """A GIF of frames of one colour, which may be larger than the screen."""
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + _lzw_of_zeros(frame[0] * frame[1])
    colours = b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + colours + image * frames + b";"


def _lzw_of_zeros(pixels: int) -> bytes:
    """GIF's data for that many pixels of colour 0: each code stands for one pixel more."""
    bits, used, width, code, run = 4, 3, 3, 5, 0
    output = bytearray()
    while pixels > 0:
        run = min(run + 1, 4_091)
        value = 0 if run == 1 else code
        bits |= value << used
        used += width
        pixels -= run
        while used >= 8:
            output.append(bits & 0xFF)
            bits >>= 8
            used -= 8
        if code < 4_095:
            code += 1
            if code == 1 << width and width < 12:
                width += 1
    output += (bits | 5 << used).to_bytes(4, "little")
    blocks = [bytes(output[at : at + 255]) for at in range(0, len(output), 255)]
    return b"\x02" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\x00"


def webp(width: int, height: int) -> bytes:
    """An animated WebP whose canvas is the only large thing in it."""
    small = io.BytesIO()
    PIL.Image.new("RGB", (1, 1)).save(small, "WEBP", lossless=True)
    picture = small.getvalue()[12:]

    def three(value: int) -> bytes:
        return struct.pack("<I", value)[:3]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) & 1)

    body = chunk(b"VP8X", b"\x02\x00\x00\x00" + three(width - 1) + three(height - 1))
    body += chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", bytes(12) + three(100) + b"\x00" + picture)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    output = io.BytesIO()
    PIL.Image.effect_noise((64, 64), 50).save(output, "JPEG", progressive=True)
    whole = output.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + b"\xff\xd9"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output.getvalue()


def zip_overlapping(count: int, size: int) -> bytes:
    """A zip whose directory names one and the same data `count` times."""
    whole = zipped({"0000": bytes(size)})
    directory = whole.index(b"PK\x01\x02")
    entry = whole[directory : whole.index(b"PK\x05\x06")]
    data = whole[:directory]
    entries = b"".join(entry.replace(b"0000", b"%04x" % number) for number in range(count))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(data), 0)
    return data + entries + end


def zip_quoted(count: int, size: int) -> bytes:
    """Fifield's bomb: each member's data begin with the next one's header, quoted as stored."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = kernel.compress(bytes(size)) + kernel.flush()
    names = [b"%04d" % number for number in range(count)]

    def header(name: bytes, crc: int, compressed: int, plain: int) -> bytes:
        return (
            struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, compressed, plain, 4, 0)
            + name
        )

    plain, data = bytes(size), packed
    files = [(names[-1], header(names[-1], zlib.crc32(plain), len(data), len(plain)), data, plain)]
    for name in reversed(names[:-1]):
        quoted = files[0][1]
        data = b"\x00" + struct.pack("<HH", len(quoted), len(quoted) ^ 0xFFFF) + quoted + data
        plain = quoted + plain
        files.insert(0, (name, header(name, zlib.crc32(plain), len(data), len(plain)), data, plain))
    body = files[0][1] + files[0][2]
    directory, offset = b"", 0
    for name, local, data, plain in files:
        fields = (0, 8, 0, 0, zlib.crc32(plain), len(data), len(plain), 4, 0, 0, 0, 0, 0, offset)
        directory += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, *fields) + name
        offset += len(local) + 5
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def zip_nested(levels: int, width: int, size: int) -> bytes:
    """`width` copies of a zip in each of `levels` levels; at the bottom `size` zero bytes."""
    content, name = bytes(size), "zero"
    for level in range(levels):
        content = zipped({f"{number}-{name}": content for number in range(width)})
        name = f"{level}.zip"
    return content


def zip_directory(count: int) -> bytes:
    """A directory of `count` entries, all of one empty member."""
    return zip_overlapping(count, 0)


def tar(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return output.getvalue()


def tar_header(kind: bytes, size: int) -> bytes:
    """A header of that kind and size with nothing behind it."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_long_header(kind: bytes, size: int) -> bytes:
    """A tar.gz whose first member has a name of `size` bytes (GNU), or such a pax record."""
    text = b"a" * size
    if kind == tarfile.XHDTYPE:
        text = pax_record(b"comment", text)
    block = tar_header(kind, len(text)) + text + bytes(-len(text) % 512)
    info = tarfile.TarInfo("a")
    return gzip.compress(block + info.tobuf() + bytes(1024))


def pax_record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def tar_of_zeros(size: int) -> bytes:
    info = tarfile.TarInfo("zero")
    return tar((info, bytes(size)))


def xz_of_dictionary(content: bytes, size: int) -> bytes:
    """xz that asks for a dictionary of `size` bytes."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": size}]
    return lzma.compress(content, format=lzma.FORMAT_XZ, filters=filters)


def bzipped(content: bytes) -> bytes:
    return bz2.compress(content)


def svg_laughs(size: int, times: int) -> bytes:
    """An SVG that names an entity of `size` characters `times` times: too few to be noticed."""
    text = b"<!DOCTYPE svg [<!ENTITY a '" + b"ha" * (size // 2) + b"'>]>"
    return b'<?xml version="1.0"?>' + text + b"<svg><text>" + b"&a;" * times + b"</text></svg>"


def svg_billion_laughs() -> bytes:
    """The classic: nine entities, each of ten of the one before."""
    entities = b"<!ENTITY l0 'ha'>"
    for level in range(1, 10):
        entities += b"<!ENTITY l%d '%s'>" % (level, b"&l%d;" % (level - 1) * 10)
    return b"<!DOCTYPE svg [" + entities + b"]><svg><text>&l9;</text></svg>"
