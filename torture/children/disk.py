"""A training on a disk that fails under it, in a process that was forked for it.

It has a mount namespace of its own, so that what it mounts goes with it; it leaves what it found in `told`, as JSON.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import visualdl.log.lifetime as lifetime
import visualdl.log.pump as pump
from torture.children.fuse import Mounted
from torture.children.ledger import Ledger, value_of
from torture.children.truth import Finding, read_sets, rows_of, told_damage, values_of, wrong_record
from torture.children.victims import log_record
from visualdl.log.writer import Log
from visualdl.store.store import Store

RING = 16384
ROWS = 30_000  # logged in trouble: more than the ring holds
NOBODY = 65534
LONG_CALL = 5.0  # seconds; a row's call that took longer has waited for the disk, and not for a busy machine
END_SECONDS = 1.0  # in place of half a minute
_SHUT_DOWN_EXT4 = 0x8004587D
_RECOVER_SECONDS = 20.0
_NEW_MOUNTS, _RECURSIVE, _PRIVATE = 0x20000, 1 << 14, 1 << 18


class Place:
    """Where the run is: a folder on a file system of the wanted sort, and what can be done to it."""

    def __init__(self, sort: str, folder: Path, *, quota: bool = False) -> None:
        self.folder = folder
        self.fuse: Mounted | None = None
        self.where = folder / "mount"
        self.where.mkdir()
        if sort == "tmpfs":
            _run("mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=60", "none", str(self.where))
        elif sort == "ext4":
            with (folder / "image").open("wb") as image:
                image.truncate(12 << 20)
            _run("mkfs.ext4", "-q", *(["-O", "quota"] if quota else []), str(folder / "image"))
            _run("mount", "-o", "loop", str(folder / "image"), str(self.where))
        elif sort == "fuse":
            self.fuse = Mounted(self.where)
        self.run = self.where / "run"

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.where / "rest").open("wb", buffering=0) as rest:
            for piece in (1 << 16, 4096, 1):
                try:
                    while rest.write(bytes(piece)):
                        pass
                except OSError:
                    pass

    def free(self) -> None:
        """There is room again."""
        (self.where / "rest").unlink()

    def fill_inodes(self) -> None:
        """No file can be made any more."""
        for number in range(1000):
            try:
                (self.where / f"inode {number}").touch()
            except OSError:
                return

    def free_inodes(self) -> None:
        """Files can be made again."""
        for file in self.where.glob("inode *"):
            file.unlink()

    def mood(self, mood: str) -> None:
        """As `Mounted.mood`."""
        assert self.fuse is not None
        self.fuse.mood(mood)

    def abort(self) -> None:
        """The kernel has found an error in the file system, and makes it read-only."""
        _run("mount", "-o", "remount,abort", str(self.where))

    def shut_down(self) -> None:
        """The disk is gone from under the file system: every write is EIO."""
        os.sync()
        file = os.open(self.where, os.O_RDONLY)
        fcntl.ioctl(file, _SHUT_DOWN_EXT4, struct.pack("I", 2))
        os.close(file)

    def quota(self) -> None:
        """A user that may have 2 MB more, and is us from now on."""
        limits = struct.pack("<QQQQQQQQII", 3000, 3000, 0, 0, 0, 0, 0, 0, 1 | 2, 0)  # blocks of 1 KiB
        libc = ctypes.CDLL(None, use_errno=True)
        device = next(
            line.split()[0] for line in Path("/proc/mounts").read_text().splitlines() if str(self.where) in line
        )
        set_quota, user = 0x800008, 0
        if libc.quotactl((set_quota << 8) | user, device.encode(), NOBODY, limits):
            raise OSError(ctypes.get_errno(), "quotas cannot be set")
        self.where.chmod(0o777)
        os.seteuid(NOBODY)

    def limit_file(self) -> None:
        """The .vdl may grow no more."""
        largest = max((path.stat().st_size for path in self.run.glob("*.vdl")), default=1000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def unlimit_file(self) -> None:
        """It may."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def limit_descriptors(self) -> None:
        """No file can be opened any more."""
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, _most_files))

    def unlimit_descriptors(self) -> None:
        """They can."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (_most_files, _most_files))

    def delete(self) -> None:
        """Somebody tidies up."""
        shutil.rmtree(self.run)

    def rename(self) -> None:
        """Somebody gives the run a better name."""
        self.run = self.run.rename(self.where / "renamed")

    def forbid(self) -> None:
        """The folder is somebody else's."""
        self.run.mkdir(mode=0o555)
        os.seteuid(NOBODY)

    def allow(self) -> None:
        """It is ours."""
        os.seteuid(0)
        self.run.chmod(0o777)
        os.seteuid(NOBODY)

    def server_dies(self) -> None:
        """The other side of a network mount is gone for good."""
        assert self.fuse is not None
        self.fuse.kill()


_most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
Act = Callable[[Place], None]


def _mood(mood: str) -> Act:
    return lambda place: place.mood(mood)


class Trouble(NamedTuple):
    """One sort of trouble. on: the file system. first: before the log's files are made. heal: how it ends, if it does.
    hangs: no write is answered meanwhile.

    harmless: nothing may be dropped, nothing warned of. readable: what was kept can be read afterwards. told: whether
    that disk still has a place where a board can be told what was dropped; "mapped": if the head is a map.
    """

    on: Literal["plain", "tmpfs", "ext4", "fuse"]
    strike: Act
    heal: Act | None = None
    first: bool = False
    hangs: bool = False
    harmless: bool = False
    readable: bool = True
    told: Literal["always", "mapped", "never"] = "always"
    durability: tuple[Literal["auto", "mmap", "pwrite"], ...] = ("auto",)


_BOTH: tuple[Literal["auto", "mmap", "pwrite"], ...] = ("mmap", "pwrite")
TROUBLES = {
    "a full tmpfs": Trouble("tmpfs", Place.fill, durability=_BOTH),
    "a full tmpfs, space comes back": Trouble("tmpfs", Place.fill, Place.free, durability=_BOTH),
    "a tmpfs that is full from the start": Trouble("tmpfs", Place.fill, Place.free, first=True),
    "a full ext4": Trouble("ext4", Place.fill, durability=_BOTH),
    "a full ext4, space comes back": Trouble("ext4", Place.fill, Place.free),
    "ext4 turned read-only by an error": Trouble("ext4", Place.abort, told="mapped", durability=_BOTH),
    "a disk that is gone under ext4": Trouble("ext4", Place.shut_down, readable=False, durability=_BOTH),
    "no inodes left, then some": Trouble("tmpfs", Place.fill_inodes, Place.free_inodes, first=True),
    "a quota of ext4": Trouble("ext4", Place.quota, first=True),
    "a limit on file sizes": Trouble("plain", Place.limit_file),
    "a limit on file sizes, lifted": Trouble("plain", Place.limit_file, Place.unlimit_file),
    "a run that is deleted": Trouble("plain", Place.delete, readable=False, durability=_BOTH),
    "a run that is renamed": Trouble("plain", Place.rename, harmless=True, durability=_BOTH),
    "somebody else's folder": Trouble("plain", Place.forbid, first=True, readable=False),
    "somebody else's folder, then ours": Trouble("plain", Place.forbid, Place.allow, first=True),
    "no descriptors left, then some": Trouble("plain", Place.limit_descriptors, Place.unlimit_descriptors, first=True),
    "no descriptors left while the log is open": Trouble(
        "plain", Place.limit_descriptors, Place.unlimit_descriptors, harmless=True
    ),
    "a file system without mmap": Trouble("fuse", lambda _: None, harmless=True, durability=("auto", "mmap")),
    "writes that are cut short": Trouble("fuse", _mood("short"), harmless=True),
    "writes that take 50 ms": Trouble("fuse", _mood("slow"), harmless=True),
    "a disk that hangs, then answers": Trouble("fuse", _mood("hang"), _mood("fine"), hangs=True, harmless=True),
    "a disk that hangs to the end": Trouble("fuse", _mood("hang"), hangs=True, readable=False),
    "a full FUSE, space comes back": Trouble("fuse", _mood("ENOSPC"), _mood("fine")),
    "EIO": Trouble("fuse", _mood("EIO"), told="never"),
    "EIO for a while": Trouble("fuse", _mood("EIO"), _mood("fine")),
    "a stale handle (ESTALE)": Trouble("fuse", _mood("ESTALE"), told="never"),
    "a mount whose other side dies": Trouble("fuse", Place.server_dies, readable=False),
}


# ------------------------------------------------------------------------------------------------ the training


class Training:
    """Logs rows and records, and watches what its calls do."""

    def __init__(self, log: Log, ledger: Ledger) -> None:
        self.log, self.ledger = log, ledger
        self.append = log.row_appender(log.tag("scalar", "loss/0"))
        self.raw = log.tag("raw", "record")
        self.longest = 0.0

    def rows(self, count: int) -> None:
        """The next rows, with a moment for the pump now and then."""
        returned = self.ledger.returned
        for _ in range(count):
            step = returned[0]
            begun = time.perf_counter()
            self.append(step, value_of(step))
            self.longest = max(self.longest, time.perf_counter() - begun)
            returned[0] = step + 1
            if step % 500 == 499:
                time.sleep(0.002)

    def records(self, count: int) -> None:
        """The next records."""
        for _ in range(count):
            log_record(self.log, self.ledger, self.raw)

    def train(self, trouble: Trouble, place: Place) -> None:
        """Some good time, the trouble, its end if it has one, and some good time again."""
        if trouble.first:
            trouble.strike(place)
        self.rows(500)
        self.records(3)
        if not trouble.first:
            self.log.flush()
            trouble.strike(place)
        self.rows(RING // 2 if trouble.hangs else ROWS)
        if not trouble.hangs:
            self.records(3)
            self.log.flush()
        if trouble.heal:
            trouble.heal(place)
            self.recover()

    def recover(self) -> None:
        """Logs until nothing is dropped any more; what comes from then on must all be kept."""
        deadline = time.monotonic() + _RECOVER_SECONDS
        kept = 0
        while kept < 500 and time.monotonic() < deadline:
            before = self.log.dropped
            self.rows(50)
            kept = kept + 50 if self.log.dropped == before else 0
            time.sleep(0.05)
        if kept < 500:
            raise RuntimeError("the log did not recover")


def attempt(name: str, durability: Literal["auto", "mmap", "pwrite"], folder: Path, chance: random.Random) -> Finding:
    """One training in trouble, and whether the log told the truth about it."""
    trouble, found = TROUBLES[name], Finding()
    ledger = Ledger(folder / "ledger")
    place = Place(trouble.on, folder, quota=trouble.strike is Place.quota)
    pump.BEAT_SECONDS = 0.2  # a deleted folder is noticed at a beat, each 5 s
    lifetime._SECONDS_TO_CLOSE = END_SECONDS
    log = Log(place.run, durability=durability, ring_rows=RING)
    training = Training(log, ledger)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            training.train(trouble, place)
            if trouble.hangs and not trouble.heal:
                return ended(found)
            closed = log.close()
        except Exception:
            found.broke.append(f"an exception in the training: {traceback.format_exc()[-600:]}")
            return found
    if os.geteuid():
        os.seteuid(0)
    place.unlimit_file()
    dropped = closed.dropped
    if len(warned) > 1 or (trouble.harmless and warned) or (dropped and not warned):
        found.broke.append(f"{len(warned)} warnings: {[str(one.message)[:160] for one in warned]}")
    if trouble.harmless and dropped:
        found.broke.append(f"{closed}, but there was room")
    if dropped and not any("dropped" in reason for reason in closed.reasons):
        found.broke.append(f"{closed} does not say why")
    if training.longest > LONG_CALL:
        found.broke.append(f"a row's call took {training.longest:.2f} s")
    found.lost_rows = dropped
    if trouble.readable:
        judge(found, place.run, ledger, dropped, trouble, durability)
    return found


def ended(found: Finding) -> Finding:
    """The interpreter ends though the disk never answers."""
    begun = time.monotonic()
    lifetime.close_all()
    if (took := time.monotonic() - begun) > 3 * END_SECONDS:
        found.broke.append(f"the interpreter waited for {took:.1f} s, {END_SECONDS:.0f} s were allowed")
    return found  # and the process ends, which ends the disk too


def judge(found: Finding, run: Path, ledger: Ledger, dropped: int, trouble: Trouble, how: str) -> None:
    """What is readable is an unchanged part of what was logged, and with what was told dropped it is all of it."""
    sets = read_sets(run)
    found.broke += told_damage(sets)
    step, value = rows_of(sets, "loss/0")
    records = [
        (one, record)
        for one in sets
        for tag in one.tags.values()
        if tag.kind == "raw"
        for record in one.records(tag.id, slice(None))
    ]
    found.rows, found.records = len(step), len(records)
    if (step[1:] <= step[:-1]).any() or (value != values_of(step)).any():
        found.broke.append("rows twice, out of order or changed")
    if len(step) and int(step[-1]) >= ledger.returned[0]:
        found.broke.append("a row that was never logged")
    found.broke += [
        f"record {record.step}: {wrong}" for one, record in records if (wrong := wrong_record(one, "raw", record))
    ]
    logged = ledger.returned[0] + ledger.records
    if len(step) + len(records) + dropped != logged:
        found.broke.append(f"{logged} logged, but {len(step)} rows + {len(records)} records + {dropped} told dropped")
    if trouble.heal and not (len(step) and int(step[-1]) == ledger.returned[0] - 1):
        found.broke.append("the last row, logged when all was well again, is not there")
    store = Store([run])
    store.refresh()
    on_board = sum(info.dropped for info in store.runs())
    told = trouble.told == "always" or (trouble.told == "mapped" and how == "mmap")
    if sets and told and on_board != dropped:
        found.broke.append(f"the board tells of {on_board} dropped, close() of {dropped}")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().partition("\n")[0].partition(": ")[2].rpartition(": ")[2].partition(",")[0]
        raise OSError(errno.EPERM, f"{' '.join(command[:-2])}: {why}")


def own_mounts() -> None:
    """A mount namespace for this process alone. OSError where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) or libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace of our own is allowed")


def perform(name: str, durability: Literal["auto", "mmap", "pwrite"], folder: Path, seed: str) -> None:
    """One attempt; `left_out` is told instead where this machine does not let us make the trouble."""
    told: dict[str, object]
    try:
        if TROUBLES[name].on != "plain":
            own_mounts()
        told = vars(attempt(name, durability, folder, random.Random(seed)))
    except OSError as error:
        told = {"left_out": f"{error.strerror or error}"}
    (folder / "told").write_text(json.dumps(told), encoding="utf-8")
