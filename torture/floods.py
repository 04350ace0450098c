"""Floods: hundreds of live clients, strangers who only hold places, greed, haste and Ctrl-C, on the real server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from torture.flood.arena import Arena, arena
from torture.flood.ends import few_files, interrupted, slow_disk, terminated
from torture.flood.listeners import Listener, asks_for_live, listen
from torture.flood.looks import part, slow_ones, told
from torture.flood.served import PATIENCE, Figures, Served
from torture.flood.strangers import (
    answered,
    ask_for,
    connected,
    drip,
    hanging,
    leave_midway,
    small_questions,
    vanish,
)
from torture.scene import Budget, Outcome

SHARE = 2.0

TABS = 500
HINT_P99 = 1.0
"""Seconds in which 99 of 100 hints reach their clients while 500 of them listen."""
GROWTH = 96 << 20
"""Bytes that the server may have grown by at the end, over what it held when each kind of question had been asked."""
LARGEST = 1 << 30
"""Bytes that it never holds, with everything asked for at once."""
MIB = 1 << 20


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every flood in its turn, on one server that is never started anew, and then its end."""
    _allow_many_files()
    with arena(budget) as board:
        warm = _warmed(board)
        play = Budget(max(2.0, budget.left() - (8.0 if board.short else 20.0)), budget.seed)
        yield _listening(board, play.share(0.3))
        yield _hangers(board, play.share(0.15))
        yield _small_flood(board, play.share(0.1))
        yield _everything(board, play.share(0.25))
        yield _cancelled(board, play.share(0.1))
        yield _afterwards(board, warm)
        yield _looks(board)
        yield interrupted(board)
        yield terminated(board)
        yield few_files(board)
        yield slow_disk(board)


def _allow_many_files() -> None:
    """As many sockets for the clients as the system grants."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


def _warmed(board: Arena) -> Figures:
    """What the server takes when each kind of question was asked once, as it will be again."""

    async def ask_all() -> None:
        listeners = await listen(board.served.port, TABS - 100)
        await asyncio.gather(*(ask_for(board.served.port, path) for path in _all_of_it(board)))
        for listener in listeners:
            listener.close()

    asyncio.run(ask_all())
    return board.served.figures()


# ------------------------------------------------------------------------------------------------------- who listens


def _listening(board: Arena, budget: Budget) -> Outcome:
    """500 tabs hear of every pulse, though some others read nothing."""
    deaf = [connected(board.served.port, asks_for_live(board.served.port), room=1024) for _ in range(3)]
    before, began = board.served.figures(), time.monotonic()
    try:
        tabs, sent, turned_away = asyncio.run(_hear(board, budget, TABS - len(deaf)))
    finally:
        for one in deaf:
            one.close()
    after = board.served.figures()
    cpu = (after.cpu - before.cpu) / (time.monotonic() - began)
    waits = [tab.waited(pulse, at) for tab in tabs for pulse, at in sent]
    heard = sorted(wait for wait in waits if wait is not None)
    missed, lost = len(waits) - len(heard), sum(tab.lost for tab in tabs)
    broke = []
    if missed:
        broke.append(f"{missed} of {len(waits)} hints never came")
    if lost:
        broke.append(f"{lost} of {len(tabs)} live connections were lost")
    if turned_away != 503:
        broke.append(f"the {TABS + 1}st live connection was answered by {turned_away}, not by 503")
    if part(heard, 0.99) > HINT_P99:
        broke.append(f"99 of 100 hints took up to {part(heard, 0.99):.2f} s, over {HINT_P99} s")
    tried = (
        f"{len(tabs)} tabs and {len(deaf)} that read nothing, {len(sent)} appends, "
        f"{sum(t.hints for t in tabs):,} hints; "
        f"append to hint {1e3 * part(heard, 0.5):.0f} ms (median), {1e3 * part(heard, 0.99):.0f} ms (p99); "
        f"{100 * cpu:.0f} % of a core, {after.rss / MIB:.0f} MiB"
    )
    return Outcome("500 live clients", tried, tuple(broke))


async def _hear(board: Arena, budget: Budget, count: int) -> tuple[list[Listener], list[tuple[int, float]], int]:
    """The tabs, the pulses that were sent, and how one tab too many was answered."""
    tabs = await listen(board.served.port, count)
    reader, writer = await asyncio.open_connection("127.0.0.1", board.served.port)
    writer.write(asks_for_live(board.served.port))
    turned_away, _ = await answered(reader)
    writer.close()
    sent: list[tuple[int, float]] = []
    while budget.left() > 1 or len(sent) < 3:
        sent.append(board.beat())
        await asyncio.sleep(0.3)
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit and any(tab.waited(*sent[-1]) is None and not tab.lost for tab in tabs):
        await asyncio.sleep(0.05)
    for tab in tabs:
        tab.close()
    return tabs, sent, turned_away


# ------------------------------------------------------------------------------------------------ who holds places


def _hangers(board: Arena, budget: Budget) -> Outcome:
    """Thousands of connections that say nothing, or one letter now and then: newcomers are answered all the same."""
    began, count = time.monotonic(), 0
    held: list[socket.socket] = []
    while budget.left() > 0 or not held:
        held += hanging(board.served.port, 1_000)
        count += 1_000
        for _ in range(5):
            drip(held[-200:])
            time.sleep(0.1)
        for one in held[:-3_000]:
            vanish(one)
        held = held[-3_000:]
    broke = slow_ones(board.looked(began))
    for one in held:
        vanish(one)
    tried = f"{count:,} connections: silent, one letter at a time, answered and kept, live ones half made"
    return Outcome("idle and half-open connections", f"{tried}; {told(board.looked(began))}", tuple(broke))


def _small_flood(board: Arena, budget: Budget) -> Outcome:
    """Many clients with small questions, each asking anew as soon as it is answered."""
    began = time.monotonic()
    until = began + max(1.0, budget.left())
    seconds, others = asyncio.run(small_questions(board.served.port, board.small, 64, until))
    broke = slow_ones(board.looked(began))
    if others:
        broke.append(f"{len(others)} answers were not 200 but {sorted(set(others))}")
    rate = len(seconds) / (time.monotonic() - began)
    tried = f"64 clients, {len(seconds):,} answers, {rate:,.0f} a second; {told(board.looked(began))}"
    return Outcome("a flood of small questions", tried, tuple(broke))


# --------------------------------------------------------------------------------------------------- who wants it all


def _everything(board: Arena, budget: Budget) -> Outcome:
    """Every series of the board with as many points as may be asked for, and whole series as CSV, several at once."""
    began, port = time.monotonic(), board.served.port
    wanted = _all_of_it(board)

    async def rounds() -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        while budget.left() > 0 or not answers:
            answers += await asyncio.gather(*(ask_for(port, path) for path in wanted))
        return answers

    with _highest(board.served) as highest:
        answers = asyncio.run(rounds())
    broke = slow_ones(board.looked(began))
    statuses = sorted({status for status, _ in answers} - {200, 503})
    if statuses:
        broke.append(f"some answers were {statuses}")
    if not any(status == 200 for status, _ in answers):
        broke.append("not one was answered")
    if highest[0] > LARGEST:
        broke.append(f"the server held {highest[0] / MIB:.0f} MiB, over {LARGEST / MIB:.0f}")
    late = sum(status == 503 for status, _ in answers)
    tried = (
        f"{len(answers)} answers, {sum(length for _, length in answers) / MIB:,.0f} MiB, {late} put off (503); "
        f"at most {highest[0] / MIB:.0f} MiB; {told(board.looked(began))}"
    )
    return Outcome("requests for everything", tried, tuple(broke))


def _all_of_it(board: Arena) -> list[str]:
    """What one round asks for at once."""
    return [*board.everything * 2, board.csv, board.csv, *["api/board"] * 8]


@contextlib.contextmanager
def _highest(served: Served) -> Iterator[list[int]]:
    """The most memory that the server held during the block, as the one item of a list."""
    highest, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            highest[0] = max(highest[0], served.process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield highest
    finally:
        ended.set()
        thread.join()


def _cancelled(board: Arena, budget: Budget) -> Outcome:
    """Clients that leave before their answer has come: what they asked for is not worked out to its end."""
    began, count, chance = time.monotonic(), 0, budget.chance
    while budget.left() > 0 or not count:
        leave_midway(board.served.port, [*board.everything, board.csv, "api/board"], 50, chance)
        count += 50
    broke = slow_ones(board.looked(began))
    ceased = time.monotonic()
    while board.served.busy(0.3) > 0.6 and time.monotonic() - ceased < PATIENCE:
        pass
    quiet = time.monotonic() - ceased
    if quiet > 10:
        broke.append(f"the server went on working for {quiet:.0f} s after everybody had left")
    tried = f"{count} clients gone midway; quiet {quiet:.1f} s after the last; {told(board.looked(began))}"
    return Outcome("cancelled requests", tried, tuple(broke))


def _afterwards(board: Arena, warm: Figures) -> Outcome:
    """When all have left, the server holds no more than before they came."""
    limit = time.monotonic() + 15
    while True:
        now = board.served.figures()
        fds, threads = now.fds - board.before.fds, now.threads - board.before.threads
        if (fds <= 8 and threads <= 0) or time.monotonic() > limit:
            break
        time.sleep(0.2)
    grown = now.rss - warm.rss
    broke = []
    if fds > 8:
        broke.append(f"{fds} more open files than before")
    if threads > 0:
        broke.append(f"{threads} more threads than before")
    if grown > GROWTH:
        broke.append(f"{grown / MIB:.0f} MiB more than after the first of each question, over {GROWTH / MIB:.0f}")
    if said := board.served.said():
        broke.append(f"the server complained: {said[-300:]!r}")
    tried = (
        f"{warm.rss / MIB:.0f} MiB after the first of each question, {now.rss / MIB:.0f} MiB at the end; "
        f"open files {fds:+d}, threads {threads:+d}"
    )
    return Outcome("afterwards", tried, tuple(broke))


def _looks(board: Arena) -> Outcome:
    """What somebody who only looked has seen of all this."""
    return Outcome("a small question, all the while", told(board.looks), tuple(slow_ones(board.looks)))
