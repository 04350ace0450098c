"""The file sets of a folder, told by their names: which there are, and when each was begun."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from pathlib import Path

_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-.+\.vdl")


def started(path: Path) -> float:
    """When the writer of a file set began, seconds since 1970 UTC: as its name says, else the time of the file."""
    found = _NAME.fullmatch(path.name)
    if found:
        try:
            time = datetime.strptime(found[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=timezone.utc)
        except ValueError:
            pass
        else:
            return time.timestamp()
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def find_file_sets(directory: Path) -> list[Path]:
    """The .vdl files directly in a folder, the earliest first; an empty list when it cannot be listed."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".vdl"))
    except OSError:
        return []
    return [Path(directory, name) for name in names]
