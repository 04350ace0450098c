"""The writing side of a .vdl file: appends whole frames, or nothing."""

from __future__ import annotations

import os

from visualdl.log.frame import RAW, Buffer, pack_frame


class FrameFile:
    """An append-only file of frames that this process alone writes. Not thread safe."""

    def __init__(self, path: str) -> None:
        """Creates the file. OSError when it exists or cannot be created."""
        self.path = path
        self._file = open(path, "xb", buffering=0)
        self._good = 0  # length of the whole frames
        self._torn = False  # a failed write left bytes behind that could not be cut off yet
        self._seq = 0

    def append(
        self,
        type: int,
        *,
        n: int = 1,
        index: bytes = b"",
        body: Buffer = b"",
        codec: int = RAW,
        flags: int = 0,
    ) -> None:
        """Writes one frame into the page cache. OSError when that fails; the file is then as it was before."""
        head = pack_frame(type, self._seq, n=n, index=index, body=body, codec=codec, flags=flags)
        if self._torn:
            self._cut()
        self._torn = True
        try:
            self._write(head if len(body) > 1 << 16 else head + body)
            if len(body) > 1 << 16:
                self._write(body)
        except BaseException:
            try:
                self._cut()
            except OSError:
                pass  # tried again before the next frame; until then readers see a torn tail
            raise
        self._good += len(head) + len(body)
        self._torn = False
        self._seq += 1

    def _write(self, data: Buffer) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _cut(self) -> None:
        self._file.truncate(self._good)
        self._file.seek(self._good)
        self._torn = False

    def gone(self) -> bool:
        """Was the file deleted under us?"""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Closes the file in this process."""
        self._file.close()
