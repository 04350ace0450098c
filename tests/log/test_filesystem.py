"""Which filesystem a folder is on, and whether a ring may be mapped there."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualdl.log.filesystem import MAPPABLE, mounted_name, ring_mode

MOUNTS = """\
22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/root rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:50 / /home rw - nfs4 server:/home rw,vers=4.2
41 40 0:51 / /home/me/scratch rw - lustre mds:/lustre rw
42 22 0:52 / /mnt/a\\040b rw master:7 propagate_from:2 - fuse.sshfs me@there: rw
43 22 0:53 / /data rw - ext4 /dev/sdb rw
44 43 0:54 / /data rw - btrfs /dev/sdc rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "ext4"),
        ("/tmp/x", "ext4"),
        ("/home", "nfs4"),
        ("/home/me", "nfs4"),
        ("/homer", "ext4"),
        ("/home/me/scratch/run", "lustre"),
        ("/mnt/a b/c", "fuse.sshfs"),
        ("/data/x", "btrfs"),
    ],
)
def test_the_innermost_and_latest_mount_decides(path: str, name: str) -> None:
    assert mounted_name(path, MOUNTS) == name


def test_network_and_copy_on_write_filesystems_are_not_mapped() -> None:
    assert not MAPPABLE & {"nfs", "nfs4", "lustre", "fuse.sshfs", "fuse", "cifs", "9p", "virtiofs", "btrfs", "zfs"}


def test_what_cannot_be_told_is_written_not_mapped() -> None:
    assert mounted_name("/x", "") == ""
    assert ring_mode("bad\0name") == "pwrite"


def test_a_local_folder_has_a_mode(tmp_path: Path) -> None:
    assert ring_mode(str(tmp_path)) in ("mmap", "pwrite")
