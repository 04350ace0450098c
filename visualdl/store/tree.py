"""The folders below a root: which there are, and what came or went since the last look."""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_DOUBTFUL_NS: Final = 2_000_000_000
"""A folder that changed so shortly before it was listed may change again without a new time: it is listed again."""
_ROUNDS: Final = 128
"""In so many scans every folder is listed once in any case, for file systems that do not keep folders' times."""

Identity = tuple[int, int] | str


class Found(NamedTuple):
    """A folder whose files of interest are now these; none: it holds none any more, or is gone."""

    path: str
    names: tuple[str, ...]


@dataclass(slots=True)
class _Folder:
    """What is known of one folder. mtime: ns, -1 when unknown. listed: when, ns since 1970 UTC by our own clock."""

    path: str
    identity: Identity
    mtime: int = -1
    listed: int = 0
    names: tuple[str, ...] = ()


class Tree:
    """All folders below one root, links followed, each real folder once. Not thread safe.

    `known` is shared by the trees of all roots, so that a folder below two of them is found once. Whatever cannot be
    read is passed over and tried again; only what is not there any more is gone.
    """

    def __init__(
        self, root: str, match: Callable[[Sequence[str]], tuple[str, ...]], known: dict[Identity, str]
    ) -> None:
        self.root = root
        self._match = match
        self._known = known
        self._folders: dict[str, _Folder] = {}
        self._turn = 0

    def scan(self) -> Iterator[Found | None]:
        """Look at every folder once; new ones as they are found. Yields after each, with what changed in it.

        A folder is listed when its modification time says so, and now and then in any case; otherwise it costs one
        stat. Links are followed after everything else, so that a run is found under its own name first.
        """
        count = len(self._folders)
        turns = range(self._turn, self._turn + 1 + count // _ROUNDS)
        self._turn = turns.stop if turns.stop < count else 0
        links: deque[str] = deque()
        fresh: deque[str] = deque([self.root] if self.root not in self._folders else [])
        for i, folder in enumerate(list(self._folders.values())):
            yield from self._look(folder, i in turns, fresh, links)
        while fresh or links:
            path = fresh.popleft() if fresh else links.popleft()
            added = self._add(path)
            if added is None:
                yield None
            else:
                yield from self._look(added, True, fresh, links)

    def _add(self, path: str) -> _Folder | None:
        """The new folder at `path`, unless it is known already, by any name, or is none."""
        if path in self._folders:
            return None
        try:
            status = os.stat(path)
            identity = _identity(path, status)
        except (OSError, ValueError):
            return None
        if identity in self._known:
            return None
        self._known[identity] = path
        folder = self._folders[path] = _Folder(path, identity)
        return folder

    def _look(self, folder: _Folder, listing: bool, fresh: deque[str], links: deque[str]) -> Iterator[Found | None]:
        """See whether the folder changed, and list it then."""
        try:
            status = os.stat(folder.path)
            mtime = status.st_mtime_ns
            listing |= self._replaced(folder, _identity(folder.path, status))
            if not listing and mtime == folder.mtime and folder.listed - mtime > _DOUBTFUL_NS:
                yield None
                return
            now = time.time_ns()
            names, folders, linked = self._list(folder.path)
        except OSError as error:
            yield self._lost(folder) if error.errno in (errno.ENOENT, errno.ENOTDIR) else None
            return
        folder.mtime, folder.listed = mtime, now
        fresh.extend(path for path in folders if path not in self._folders)
        links.extend(path for path in linked if path not in self._folders)
        if names == folder.names:
            yield None
        else:
            folder.names = names
            yield Found(folder.path, names)

    def _list(self, path: str) -> tuple[tuple[str, ...], list[str], list[str]]:
        """The names of interest in a folder, sorted; the folders in it; the links in it that may lead to folders."""
        files: list[str] = []
        folders: list[str] = []
        linked: list[str] = []
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    if entry.is_symlink():
                        (linked if entry.is_dir() else files).append(entry.path if entry.is_dir() else entry.name)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        files.append(entry.name)
                except OSError:  # a link that leads nowhere, or in a circle
                    continue
        return tuple(sorted(self._match(files))), sorted(folders), sorted(linked)

    def _replaced(self, folder: _Folder, identity: Identity) -> bool:
        """Whether another folder has taken the place of this one since the last look; it is known as that one then.

        What was there before may have moved, or its number may have been given to a new folder: either is found as new.
        """
        if identity == folder.identity:
            return False
        self._forget(folder)
        folder.identity = identity
        self._known.setdefault(identity, folder.path)
        return True

    def _forget(self, folder: _Folder) -> None:
        if self._known.get(folder.identity) == folder.path:
            del self._known[folder.identity]

    def _lost(self, folder: _Folder) -> Found | None:
        """Forget a folder that is not there any more; those below it are looked at themselves."""
        del self._folders[folder.path]
        self._forget(folder)
        return Found(folder.path, ()) if folder.names else None


def _identity(path: str, status: os.stat_result) -> Identity:
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
