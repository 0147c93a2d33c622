"""Bytes of a shop's file as text, whatever it was saved with, in one pass and without guessing for the whole file.

UTF-8 is read as such, with or without a byte order mark; UTF-16 by its mark. Bytes that are not UTF-8 are read one by
one as Windows-1252 (Latin-1 where that has a hole), so a Latin-1 file and a file of mixed origin both come out right.
"""

import codecs
import gzip
import io
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast


class TextFile(AbstractContextManager[io.TextIOWrapper]):
    """An open text file, unpacked when its name ends in `.gz`; `fallbacks` counts the bytes that were not UTF-8."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fallbacks = 0
        self._text: io.TextIOWrapper | None = None

    def __enter__(self) -> io.TextIOWrapper:
        if self.path.suffix.lower() == ".gz":
            binary = cast(BinaryIO, gzip.open(self.path, "rb"))
        else:
            binary = self.path.open("rb", buffering=1 << 20)
        start = binary.read(2)
        binary.seek(0)
        encoding = "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        # The name is this object's own: the handler must know whose bytes it counts.
        handler = f"attune-fallback-{id(self)}"
        codecs.register_error(handler, self._fallback)
        self._text = io.TextIOWrapper(binary, encoding=encoding, errors=handler, newline="")
        return self._text

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._text is not None:
            self._text.close()

    def _fallback(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        self.fallbacks += error.end - error.start
        if error.encoding.startswith("utf-16"):
            return "\ufffd", error.end
        return "".join(_CP1252[byte] for byte in error.object[error.start : error.end]), error.end


def _cp1252(byte: int) -> str:
    raw = bytes((byte,))
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_CP1252 = tuple(_cp1252(byte) for byte in range(256))
