"""The pump: one thread for each open file set, that encodes payloads, seals rows into frames and closes the files.

Callers fill the ring and the queue; only a *turn* of the pump empties them. When there is no thread (it could not be
started, or the interpreter is going down) a caller that has to wait takes the turn itself.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from visualdl.errors import LogClosed
from visualdl.log import lifetime
from visualdl.log.frame import CLOSE, TAGS, Closed, encode_closed, encode_tags
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import Numbering, Ring
from visualdl.log.payloads import Item, Payloads, Queue
from visualdl.log.sealing import LOOK_SECONDS, Fate, Rows
from visualdl.log.trouble import RETRY_SECONDS, Trouble

BEAT_SECONDS = 5.0
WRITE_SECONDS = 0.25  # pwrite mode: a row is in the file after so long at most
LINGER_SECONDS = 0.02
AGAIN_SECONDS = 0.2  # while payload records keep coming the pump looks by itself so often: see `payloads`
IDLE_BEATS = 12  # so many beats without a new row, and the rest is sealed
_NAP_SECONDS = 0.0005


class Pump:
    """The life of one file set, from its opening to its closing. Callable from any thread.

    It does not know its log: so a log that nobody can reach any more is collected, and tells its pump to close.
    """

    def __init__(
        self,
        file: FrameFile,
        ring: Ring,
        numbering: Numbering,
        trouble: Trouble,
        tags: Sequence[dict[str, Any]],
        queue: Queue,
        *,
        queue_bytes: int,
        when_full: Literal["wait", "drop"],
    ) -> None:
        self.file = file
        self.trouble = trouble
        self.rows = Rows(ring, file, numbering, trouble, when_full=when_full)
        self.payloads = Payloads(queue, file, trouble, queue_bytes=queue_bytes, when_full=when_full)
        self.closed: Closed | None = None
        self._ring = ring
        self._numbering = numbering
        self._tags = tags
        self._closing = False
        self._dying = False
        self._turning = threading.Lock()
        self._tickets: deque[Any] = deque()
        self._bell = threading.Lock()  # a bare lock as a bell: to ring it is safe anywhere, signal handlers included
        self._bell.acquire()
        queue.ring = self._ring_bell
        self._urgent = False  # somebody waits: take a turn at once
        self._awake = False  # looks for payload records without being rung for
        self._quiet = False
        self._next_beat = clock.monotonic() + BEAT_SECONDS
        self._beaten_at = ring.tail  # rows taken at the last beat
        self._idle_beats = 0
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="visualdl-log", daemon=True)
        self.started = False

    def start(self) -> None:
        """Begins; callers take the fast ways from now on. Once more, where an exception (Ctrl-C) struck it."""
        lifetime.opened(self)
        try:
            if self._thread is not None and self._thread.ident is None:
                self._thread.start()
        except RuntimeError:  # no more threads, or too late in the life of the interpreter
            self._thread = None
        self.rows.set_limit()
        self.payloads.make_room()
        self.started = True

    # -------------------------------------------------------------------------------------------- callers

    @property
    def closing(self) -> bool:
        """Was it told to close?"""
        return self._closing

    def place(self, number: int) -> int | None:
        """The slow way of row `number`: waits for a slot. The number to put it under; None: it must be dropped.

        After close(): see `refuse`.
        """
        while True:
            fate = self.rows.place(number)
            if fate is Fate.FREE:
                self.wake()
                return number
            if fate is Fate.DROP:
                return None
            if fate is Fate.STALE:
                number = self._numbering.skip()
                continue
            if fate is Fate.CLOSED:
                self.refuse("a row")
                return None
            self._nap()

    def put(self, item: Item) -> None:
        """Queues a payload record; waits for room, or drops it. After close(): see `refuse`."""
        while True:
            if self._closing:
                self.refuse("a record")
                self.trouble.drop(1)
                return
            if self.payloads.put(item, force=self._on_pump()):
                self._urgent = self._urgent or self.payloads.pressing()
                self._ring_bell()
                return
            self._nap()

    def refuse(self, what: str) -> None:
        """LogClosed, for what came after close(). When it was not the script that closed:

        While SIGTERM is on its way to us, a call that cannot be kept does not return at all. When the interpreter ends,
        a thread that still runs is a daemon, which the interpreter stops at some moment anyway: it is let off.
        """
        while self._dying:
            clock.sleep(1)
        if lifetime.ending() and threading.current_thread() is not threading.main_thread():
            return
        raise LogClosed(f"{what} came after close(): {self.file.path}")

    def _nap(self) -> None:
        self.wake()
        self._help()
        clock.sleep(_NAP_SECONDS)

    def wake(self) -> None:
        """Makes the pump take a turn at once. Takes no lock."""
        self._urgent = True
        self._ring_bell()

    def _ring_bell(self) -> None:
        try:  # noqa: SIM105 - a context manager would cost the caller more than the bell
            self._bell.release()
        except RuntimeError:
            pass  # it is ringing already

    def _on_pump(self) -> bool:
        return self._thread is threading.current_thread()

    def _help(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._turn()

    def flush(self) -> None:
        """Every returned call is in the files when this returns, unless they cannot be written."""
        resting = not self.payloads.waiting() and not self._turning.locked()
        if self._on_pump() or (resting and self._ring.mode == "mmap"):
            return
        self._wait()

    def close(self, *, why: str = "", patience: float = math.inf) -> Closed:
        """Seals everything and closes the files; the same answer each time. Waits `patience` seconds at most."""
        self._closing = True
        self.rows.shut()
        self.payloads.shut()
        if why:
            self.trouble.remark(why)
        if not self._on_pump():
            self._wait(closed=True, patience=patience)
        lifetime.settle()
        return self.closed or self._tell()  # the latter from within `encode` (this turn closes), or out of patience

    def die(self) -> None:
        """Closes because the process was told to end: calls from now on do not return."""
        self._dying = True
        self.close(why="the process was told to end (SIGTERM)")

    def abandon(self) -> None:
        """Nobody can reach the log any more: closes it soon. No lock: the collector calls this anywhere."""
        self._closing = True
        self.wake()

    def release(self) -> None:
        """In a forked child: lets go of the parent's files."""
        for let_go in (self._ring.release, self.file.close):
            with contextlib.suppress(OSError):
                let_go()

    def _wait(self, *, closed: bool = False, patience: float = math.inf) -> None:
        """Waits for a whole turn that begins after now, or for the last one."""
        deadline = clock.monotonic() + patience
        ticket = threading.Lock()
        ticket.acquire()
        self._tickets.append(ticket)
        while self.closed is None and clock.monotonic() < deadline:
            self.wake()
            if ticket.acquire(timeout=0.05) and not closed:
                return
            self._help()

    # -------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while self.closed is None:
            if self._bell.acquire(timeout=self._pause()):
                self._linger()
            self._urgent = False
            written = self.payloads.written
            self._turn()
            if self._closing:
                continue
            self._awake = self.payloads.rest(awake=self.payloads.written > written or self.trouble.error is not None)
            if self._ring.mode == "pwrite":
                self._quiet = self.rows.doze()
            elif not self.rows.set_limit() and not self.rows.interrupted() and self.trouble.error is None:
                self.wake()

    def _linger(self) -> None:
        """A burst of payload records is encoded once it is over: its calls need not fight with us for the GIL."""
        deadline = clock.monotonic() + LINGER_SECONDS
        while not self._urgent and not self._closing and (left := deadline - clock.monotonic()) > 0:
            self._bell.acquire(timeout=left)

    def _pause(self) -> float:
        if self._closing:
            return 0
        if self.rows.interrupted() or self.rows.overflow:
            return LOOK_SECONDS
        pause = AGAIN_SECONDS if self._awake else BEAT_SECONDS
        if self.trouble.error is not None:
            pause = RETRY_SECONDS
        return pause if self._ring.mode == "mmap" or self._quiet else min(pause, WRITE_SECONDS)

    def _turn(self) -> None:
        """Empties the queue, and the ring as far as it makes sense now. Raises nothing."""
        with self._turning:
            if self.closed is not None:
                return
            closing = self._closing  # once: a turn that began before close() is not the last one
            if closing:
                self.rows.shut()
                self.payloads.shut()
            tickets = [self._tickets.popleft() for _ in range(len(self._tickets))]
            if closing or not self.trouble.waiting():
                everything = closing or self._idle_beats >= IDLE_BEATS
                seal = partial(self.rows.seal, everything=everything)
                steps: list[Callable[[], None]] = [self.file.pay, self.payloads.drain, seal]
                if sum(map(self._did, steps)) == len(steps):  # each is tried, whatever became of the others
                    self.trouble.over()
            self._did(self.rows.write_out)  # works on a full disk too: its blocks were reserved
            self._did(self._beat)
            if closing:
                self._close()
            for ticket in tickets:
                ticket.release()

    def _did(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except Exception as error:  # the disk's, or a bug of ours: either way training goes on, and it is told
            self.trouble.note(error)
            return False
        return True

    def _beat(self) -> None:
        now = clock.monotonic()
        if self.rows.interrupted():
            self.rows.heal()
        if now < self._next_beat or self._closing:
            return
        self._next_beat = now + BEAT_SECONDS
        taken = self.rows.taken()
        self._idle_beats = self._idle_beats + 1 if taken == self._beaten_at else 0
        self._beaten_at = taken
        self.rows.heal()
        if not self.trouble.gone and self.file.gone():
            self.trouble.vanished()
            self._numbering.limit(0)
            self.payloads.shut()
        self._ring.beat(self.trouble.dropped)

    # -------------------------------------------------------------------------------------------- closing

    def _tell(self) -> Closed:
        trouble = self.trouble
        return Closed(self.rows.sealed, self.payloads.written, trouble.dropped, trouble.reasons())

    def _close(self) -> None:
        trouble, told = self.trouble, False
        if not trouble.gone and self._did(self._check_there) and not trouble.gone:
            # What is in the head stays there for readers, and to them the log looks cut off, as it is.
            whole = not (self.rows.left() or self.payloads.waiting())
            told = whole and self._did(self._write_close)
        left = self.rows.left()
        lost = self.payloads.waiting()
        if left and not trouble.gone:
            in_head = left if self._ring.mode == "mmap" else max(0, self._ring.written - self._ring.tail)
            trouble.remark(f"{in_head} rows stay in the .head file")
            lost += left - in_head
        elif left:
            lost += left
        if lost:
            trouble.drop(lost)
        if not told:
            self._did(partial(self._ring.beat, trouble.dropped))  # the head tells it then
        if not self._did(self.file.close):  # a network filesystem may say only here that it could not write
            trouble.remark(trouble.why())
        self._did(partial(self._ring.close, remove=told or not (left or trouble.dropped)))
        self.closed = self._tell()
        lifetime.closed(self)

    def _check_there(self) -> None:
        if self.file.gone():
            self.trouble.vanished()

    def _write_close(self) -> None:
        for n, tags in encode_tags(list(self._tags)):  # twice: damage to one frame loses no tag
            self.file.append(TAGS, n=n, body=tags)
        self.file.append(CLOSE, body=encode_closed(self._tell()))
