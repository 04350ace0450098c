"""A file system in memory that misbehaves on command: the kernel's FUSE protocol over /dev/fuse, and nothing else.

Files are opened for direct I/O, so none can be mapped: a file system without mmap, as some network mounts are. Its mood
decides what becomes of a write: "fine", "slow", "short" (half of the bytes are taken), "hang" (no answer until the mood
changes), or the name of an error, such as "ENOSPC" or "EIO".
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import signal
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path

_IN = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, padding
_OUT = struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_WRITE = struct.Struct("<QQIIQII")
_SLOW_SECONDS = 0.05
_MAX_WRITE = 1 << 20
_DIRECT_IO = 1
_SIZE_GIVEN = 1 << 3
_ROOT = 1
_SIGNAL_AT_PARENTS_DEATH = 1
_LOOKUP, _FORGET, _GETATTR, _SETATTR, _MKDIR, _UNLINK, _RMDIR = 1, 2, 3, 4, 9, 10, 11
_OPEN, _READ, _WRITE_CODE, _STATFS, _RELEASE, _FSYNC, _FLUSH, _INIT = 14, 15, 16, 17, 18, 20, 25, 26
_OPENDIR, _READDIR, _RELEASEDIR, _CREATE, _INTERRUPT, _DESTROY, _BATCH_FORGET = 27, 28, 29, 35, 36, 38, 42
_SILENT = {_FORGET, _INTERRUPT, _BATCH_FORGET}
_CHANGES = {_SETATTR, _MKDIR, _WRITE_CODE, _CREATE}


class Node:
    """A file or a folder."""

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.links = 1
        self.data = bytearray()
        self.names: dict[bytes, int] = {}


class Memory:
    """The files, and an answer to each request."""

    def __init__(self) -> None:
        self.mood = "fine"
        self.nodes = {_ROOT: Node(stat.S_IFDIR | 0o777)}
        self._answers: dict[int, Callable[[int, bytes], bytes]] = {
            _INIT: self._init,
            _LOOKUP: lambda node, body: self._entry(self._child(node, body)),
            _GETATTR: lambda node, body: self._attributes(node),
            _SETATTR: self._set,
            _MKDIR: lambda node, body: self._entry(self._make(node, body[8:], stat.S_IFDIR | 0o777)),
            _UNLINK: self._unlink,
            _RMDIR: self._unlink,
            _OPEN: lambda node, body: _opened(),
            _OPENDIR: lambda node, body: _opened(),
            _CREATE: self._create,
            _READ: self._read,
            _READDIR: self._list,
            _WRITE_CODE: self._write,
            _STATFS: lambda node, body: struct.pack(
                "<QQQQQIIII24x", 1 << 20, 1 << 19, 1 << 19, 99, 99, 4096, 255, 4096, 0
            ),
            **dict.fromkeys((_RELEASE, _RELEASEDIR, _FSYNC, _FLUSH, _DESTROY), lambda node, body: b""),
        }

    def answer(self, opcode: int, node: int, body: bytes) -> bytes:
        """The answer's body; OSError with the number to give."""
        if opcode not in self._answers:
            raise OSError(errno.ENOSYS, "not here")
        if opcode in _CHANGES and self.mood.startswith("E"):
            raise OSError(getattr(errno, self.mood), self.mood)
        if opcode in _CHANGES and self.mood == "slow":
            time.sleep(_SLOW_SECONDS)
        return self._answers[opcode](node, body)

    def _init(self, node: int, body: bytes) -> bytes:
        major, _, readahead, _ = struct.unpack_from("<IIII", body)
        return struct.pack("<IIIIHHIIHHIIIIIIII", major, 31, readahead, 1 << 5, 9, 9, _MAX_WRITE, 1, *[0] * 10)[:64]

    def _child(self, node: int, name: bytes) -> int:
        found = self.nodes[node].names.get(name.rstrip(b"\0"))
        if found is None:
            raise OSError(errno.ENOENT, "no such file")
        return found

    def _make(self, node: int, name: bytes, mode: int) -> int:
        made = max(self.nodes) + 1
        self.nodes[made] = Node(mode)
        self.nodes[node].names[name.rstrip(b"\0")] = made
        return made

    def _create(self, node: int, body: bytes) -> bytes:
        return self._entry(self._make(node, body[16:], stat.S_IFREG | 0o666)) + _opened()

    def _unlink(self, node: int, body: bytes) -> bytes:
        self.nodes[self._child(node, body)].links = 0  # it stays for those that have it open
        del self.nodes[node].names[body.rstrip(b"\0")]
        return b""

    def _entry(self, node: int) -> bytes:
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self._packed(node)

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._packed(node)

    def _packed(self, node: int) -> bytes:
        one = self.nodes[node]
        size = len(one.data)
        return _ATTR.pack(node, size, -(-size // 512), *[0] * 6, one.mode, one.links, 0, 0, 0, 4096, 0)

    def _set(self, node: int, body: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", body)
        if valid & _SIZE_GIVEN:
            data = self.nodes[node].data
            del data[size:]
            data.extend(bytes(size - len(data)))
        return self._attributes(node)

    def _read(self, node: int, body: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", body)
        return bytes(self.nodes[node].data[at : at + size])

    def _write(self, node: int, body: bytes) -> bytes:
        _, at, size, *_ = _WRITE.unpack_from(body)
        new = body[_WRITE.size : _WRITE.size + size]
        if self.mood == "short":
            new = new[: -(-len(new) // 2)]
        data = self.nodes[node].data
        data.extend(bytes(max(0, at - len(data))))
        data[at : at + len(new)] = new
        return struct.pack("<II", len(new), 0)

    def _list(self, node: int, body: bytes) -> bytes:
        _, at, room = struct.unpack_from("<QQI", body)
        listed = b""
        for place, (name, child) in list(enumerate(self.nodes[node].names.items(), 1))[at:]:
            entry = struct.pack("<QQII", child, place, len(name), self.nodes[child].mode >> 12) + name
            entry += bytes(-len(entry) % 8)
            if len(listed) + len(entry) > room:
                break
            listed += entry
        return listed


def _opened() -> bytes:
    return struct.pack("<QIi", 0, _DIRECT_IO, 0)


class Mounted:
    """A mount of such a file system in this process's mount namespace, served by a child."""

    def __init__(self, where: Path) -> None:
        """OSError where FUSE or the right to mount is not to be had."""
        device = os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"torture", os.fsencode(where), b"fuse.torture", 0, options):
            os.close(device)
            raise OSError(ctypes.get_errno(), "FUSE cannot be mounted", str(where))
        hear, self._tell = os.pipe()
        self._told, reply = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                # A process that waits for an answer cannot even be killed: without us it gets an error, and ends.
                libc.prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
                os.close(self._tell)
                _serve(device, hear, reply)
            finally:
                os._exit(0)
        for end in (device, hear, reply):
            os.close(end)

    def mood(self, mood: str) -> None:
        """From now on the file system is in this mood."""
        os.write(self._tell, f"{mood}\n".encode())
        os.read(self._told, 1)

    def kill(self) -> None:
        """The server dies: as a network mount whose other side is gone for good."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _serve(device: int, hear: int, reply: int) -> None:
    """Answers requests, one after the other, until nobody is left that could change the mood."""
    memory = Memory()
    waiting: list[bytes] = []
    while True:
        ready, _, _ = select.select([device, hear], [], [])
        if hear in ready:
            told = os.read(hear, 100)
            if not told:
                return
            memory.mood = told.decode().split()[-1]
            os.write(reply, b".")
            if memory.mood != "hang":
                for request in waiting:
                    _reply(device, memory, request)
                waiting.clear()
        if device in ready:
            try:
                request = os.read(device, _MAX_WRITE + 4096)
            except OSError as error:
                if error.errno == errno.ENODEV:  # unmounted
                    return
                continue
            if memory.mood == "hang" and _IN.unpack_from(request)[1] in _CHANGES:
                waiting.append(request)
            else:
                _reply(device, memory, request)


def _reply(device: int, memory: Memory, request: bytes) -> None:
    _, opcode, unique, node, *_ = _IN.unpack_from(request)
    if opcode in _SILENT:
        return
    try:
        body, error = memory.answer(opcode, node, request[_IN.size :]), 0
    except OSError as trouble:
        body, error = b"", -(trouble.errno or errno.EIO)
    with contextlib.suppress(OSError):  # whoever asked was killed meanwhile
        os.write(device, _OUT.pack(_OUT.size + len(body), error, unique) + body)
