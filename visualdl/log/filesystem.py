"""What kind of filesystem a folder is on: may the ring of rows be a shared memory map there, or must it be written?

A map is right where the kernel that maps is the kernel that stores, and where a page once reserved can always be
written again. Network and FUSE filesystems fail the first, copy-on-write ones (btrfs, zfs) the second: there a full
disk would kill the training with SIGBUS. So there is a list of the filesystems known to be right; all others get
plain writes.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Literal

Mode = Literal["mmap", "pwrite"]

MAPPABLE = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "overlay", "apfs", "hfs", "ntfs", "refs"})


def ring_mode(directory: str) -> Mode:
    """How to store a ring in `directory` (which exists). Never raises: what cannot be told is "pwrite"."""
    try:
        return "mmap" if filesystem_name(directory) in MAPPABLE else "pwrite"
    except (OSError, ValueError, AttributeError):
        return "pwrite"


def filesystem_name(directory: str) -> str:
    """The name of the filesystem that holds `directory`, as its system spells it, in lower case."""
    if sys.platform == "win32":
        return _windows_name(directory)
    if sys.platform == "darwin":
        return _darwin_name(directory)
    with open("/proc/self/mountinfo", "rb") as mounts:
        return mounted_name(os.path.realpath(directory), os.fsdecode(mounts.read()))


def mounted_name(path: str, mountinfo: str) -> str:
    """The filesystem of the mount that holds the absolute `path`, by the text of /proc/self/mountinfo."""
    best, name = -1, ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        # space, tab, newline and backslash are written as octal numbers
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:  # of two mounts on one point the later hides the earlier
            best, name = len(point), right.split(" ")[0].lower()
    return name


def _darwin_name(directory: str) -> str:
    import ctypes

    buffer = ctypes.create_string_buffer(4096)
    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, "statfs$INODE64", None) or libc.statfs
    if function(os.fsencode(directory), buffer) != 0:
        raise OSError(ctypes.get_errno(), "statfs failed", directory)
    return buffer.raw[72:88].split(b"\0")[0].decode("ascii", "replace").lower()  # f_fstypename


def _windows_name(directory: str) -> str:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    root = ctypes.create_unicode_buffer(1024)
    name = ctypes.create_unicode_buffer(64)
    fixed = 3
    if not kernel.GetVolumePathNameW(directory, root, len(root)) or kernel.GetDriveTypeW(root) != fixed:
        return ""
    if not kernel.GetVolumeInformationW(root, None, 0, None, None, None, name, len(name)):
        return ""
    return name.value.lower()
