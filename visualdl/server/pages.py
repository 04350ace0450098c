"""The built board: its files by name, held in memory. A name that is asked for is looked up, never made into a path."""

from __future__ import annotations

import mimetypes
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "web"

# Not left to the machine's own table, which on Windows may say that scripts are text/plain.
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}

MISSING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>VisualDL</title></head><body>
<h1>The board is not built</h1>
<p>The server runs, and its <a href="api/board">interface</a> answers, but this copy of VisualDL has no web page.</p>
<p>In a clone of the repository, <code>pip install .</code> builds it; then reload this page.</p>
<p>此副本未包含已构建的网页：请在代码仓库中运行 <code>pip install .</code>，然后刷新本页。</p>
</body></html>"""


@dataclass(frozen=True)
class PageFile:
    """One file of the board. squeezed: the same, gzip; None where it does not get smaller."""

    content: bytes
    squeezed: bytes | None
    media_type: str


class Pages:
    """The files of one built board, read anew when it was built anew."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._built: int | None = None
        self._beside: Mapping[str, PageFile] = {}
        self._assets: Mapping[str, PageFile] = {}
        self.index()

    def index(self) -> PageFile | None:
        """The page itself; None when the board is not built."""
        try:
            built = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            return None
        if built != self._built:
            self._beside = _files(self._folder)
            self._assets = _files(self._folder / "assets")
            self._built = built
        return self._beside.get("index.html")

    def beside(self, name: str) -> PageFile | None:
        """A file beside the page, such as its icon; None when there is none of that name."""
        return self._beside.get(name)

    def asset(self, name: str) -> PageFile | None:
        """A file of the folder `assets`; None when there is none of that name."""
        return self._assets.get(name)


def _files(folder: Path) -> dict[str, PageFile]:
    return {path.name: _read(path) for path in folder.glob("*") if path.is_file()}


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    squeeze = zlib.compressobj(level=6, wbits=31)
    squeezed = squeeze.compress(content) + squeeze.flush()
    return PageFile(content, squeezed if len(squeezed) < 0.9 * len(content) else None, media_type)
