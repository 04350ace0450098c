"""Floods: hundreds of live clients, strangers who only hold places, greed, haste and Ctrl-C, on the real server."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence

from torture.flood.arena import Arena, Look, arena
from torture.flood.listeners import Listener, asks_for_live, listen
from torture.flood.served import PATIENCE, Ended, Figures, Served, serving
from torture.flood.strangers import (
    answered,
    ask_for,
    connected,
    drip,
    hanging,
    leave_midway,
    request,
    small_questions,
    vanish,
)
from torture.scene import Budget, Outcome

SHARE = 2.0

TABS = 500
HINT_P99 = 1.0
"""Seconds in which 99 of 100 hints reach their clients while 500 of them listen."""
SMALL_P99, SMALL_WORST = 1.0, 5.0
"""Seconds in which a small question is answered, whatever else is asked: 99 of 100, and all."""
GROWTH = 96 << 20
"""Bytes that the server may have grown by at the end, over what it held when each kind of question had been asked."""
LARGEST = 1 << 30
"""Bytes that it never holds, with everything asked for at once."""
END_SECONDS = 5.0
FEW_FILES = 128
SLOW_SECONDS = 6.0
MIB = 1 << 20


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every flood in its turn, on one server that is never started anew, and then its end."""
    _allow_many_files()
    with arena(budget) as board:
        play = Budget(max(4.0, budget.left() - 10.0), budget.seed)
        warm = _warmed(board)
        yield _listening(board, play.share(0.3))
        yield _hangers(board, play.share(0.15))
        yield _small_flood(board, play.share(0.1))
        yield _everything(board, play.share(0.25))
        yield _cancelled(board, play.share(0.1))
        yield _afterwards(board, warm)
        yield _looks(board)
        yield _interrupted(board)
        yield _terminated(board)
        yield _few_files(board)
        yield _slow_disk(board)


def _allow_many_files() -> None:
    """As many sockets for the clients as the system grants."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


def _warmed(board: Arena) -> Figures:
    """What the server takes when each kind of question was asked once, as it will be again."""

    async def ask_all() -> None:
        listeners = await listen(board.served.port, TABS)
        await asyncio.gather(*(ask_for(board.served.port, path) for path in (*board.everything, board.csv)))
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
    broke = _small_ones(board.looked(began))
    for one in held:
        vanish(one)
    tried = f"{count:,} connections: silent, one letter at a time, answered and kept, live ones half made"
    return Outcome("idle and half-open connections", f"{tried}; {_told(board.looked(began))}", tuple(broke))


def _small_flood(board: Arena, budget: Budget) -> Outcome:
    """Many clients with small questions, each asking anew as soon as it is answered."""
    began = time.monotonic()
    until = began + max(1.0, budget.left())
    seconds, others = asyncio.run(small_questions(board.served.port, board.small, 64, until))
    broke = _small_ones(board.looked(began))
    if others:
        broke.append(f"{len(others)} answers were not 200 but {sorted(set(others))}")
    rate = len(seconds) / (time.monotonic() - began)
    tried = f"64 clients, {len(seconds):,} answers, {rate:,.0f} a second; {_told(board.looked(began))}"
    return Outcome("a flood of small questions", tried, tuple(broke))


# --------------------------------------------------------------------------------------------------- who wants it all


def _everything(board: Arena, budget: Budget) -> Outcome:
    """Every series of the board with as many points as may be asked for, and whole series as CSV, several at once."""
    began, port = time.monotonic(), board.served.port
    wanted = [*board.everything * 2, board.csv, board.csv, *["api/board"] * 8]

    async def rounds() -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        while budget.left() > 0 or not answers:
            answers += await asyncio.gather(*(ask_for(port, path) for path in wanted))
        return answers

    with _highest(board.served) as highest:
        answers = asyncio.run(rounds())
    broke = _small_ones(board.looked(began))
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
        f"at most {highest[0] / MIB:.0f} MiB; {_told(board.looked(began))}"
    )
    return Outcome("requests for everything", tried, tuple(broke))


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
    broke = _small_ones(board.looked(began))
    ceased = time.monotonic()
    while _busy(board.served, 0.3) > 0.6 and time.monotonic() - ceased < PATIENCE:
        pass
    quiet = time.monotonic() - ceased
    if quiet > 10:
        broke.append(f"the server went on working for {quiet:.0f} s after everybody had left")
    tried = f"{count} clients gone midway; quiet {quiet:.1f} s after the last; {_told(board.looked(began))}"
    return Outcome("cancelled requests", tried, tuple(broke))


def _busy(served: Served, seconds: float) -> float:
    """The part of one core that the server takes, over so many seconds."""
    before = served.figures().cpu
    time.sleep(seconds)
    return (served.figures().cpu - before) / seconds


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
    return Outcome("a small question, all the while", _told(board.looks), tuple(_small_ones(board.looks)))


def _small_ones(looks: Sequence[Look]) -> list[str]:
    """What is to be said against the answers to small questions."""
    broke = []
    failed = [look.status for look in looks if look.status != 200]
    seconds = sorted(look.seconds for look in looks)
    if failed:
        broke.append(f"{len(failed)} of {len(looks)} small questions were answered by {sorted(set(failed))}")
    if part(seconds, 0.99) > SMALL_P99:
        broke.append(f"99 of 100 small questions took up to {part(seconds, 0.99):.2f} s, over {SMALL_P99} s")
    if seconds and seconds[-1] > SMALL_WORST:
        broke.append(f"a small question took {seconds[-1]:.1f} s, over {SMALL_WORST} s")
    return broke


def _told(looks: Sequence[Look]) -> str:
    seconds = sorted(look.seconds for look in looks)
    p50, p99, most = (f"{1e3 * part(seconds, share):.0f} ms" for share in (0.5, 0.99, 1.0))
    return f"a small question meanwhile {p50} (median), {p99} (p99), {most} (worst of {len(seconds)})"


def part(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


# ------------------------------------------------------------------------------------------------------------ the end


@contextlib.contextmanager
def _pressed(board: Arena, served: Served) -> Iterator[None]:
    """Live clients, silent ones and large questions under way on other threads, until the end of the block."""
    held = hanging(served.port, 200)
    held += [connected(served.port, asks_for_live(served.port)) for _ in range(100)]
    held += [connected(served.port, request(path)) for path in (*board.everything, board.csv)]
    try:
        time.sleep(0.2)
        yield
    finally:
        for one in held:
            one.close()


def _interrupted(board: Arena) -> Outcome:
    """Ctrl-C during all of it, and a new start on the same port at once."""
    port = board.served.port
    with _pressed(board, board.served):
        end = board.served.end(signal.SIGINT)
    broke = _ended_well(end, 0)
    began = time.monotonic()
    with serving(board.logdir, port) as again:
        status = again.get("api/board")[0] if again.ready else 0
        if status != 200:
            broke.append(f"started again on its port, it answered {status}: {again.said()[-300:]!r}")
        back = time.monotonic() - began
    return Outcome("Ctrl-C", f"ended after {end.seconds:.2f} s; back on its port {back:.1f} s later", tuple(broke))


def _terminated(board: Arena) -> Outcome:
    """Two servers on one logdir, one of them told to end by SIGTERM: the other goes on."""
    with serving(board.logdir) as one, serving(board.logdir) as other:
        wanted = {run["name"] for run in one.when(_read)["runs"] if not run["name"].startswith("churn")}
        shown = {run["name"] for run in other.when(_read)["runs"]}
        broke = [f"the second server did not show {sorted(wanted - shown)[:3]}"] if wanted - shown else []
        with _pressed(board, one):
            end = one.end(signal.SIGTERM)
        broke += _ended_well(end, -signal.SIGTERM)
        if other.get("api/board")[0] != 200:
            broke.append("the other server answered no more")
    return Outcome("SIGTERM, with a second server", f"ended after {end.seconds:.2f} s", tuple(broke))


def _read(said: dict[str, object]) -> bool:
    return said["loading"] is None


def _ended_well(end: Ended, status: int) -> list[str]:
    broke = []
    if end.seconds > END_SECONDS:
        broke.append(f"it took {end.seconds:.1f} s to end, over {END_SECONDS} s")
    if end.status != status:
        broke.append(f"it ended with status {end.status}, not {status}")
    if end.said:
        broke.append(f"it said {end.said[-300:]!r}")
    return broke


def _few_files(board: Arena) -> Outcome:
    """A server that may open few files, and more clients than that: it waits, does not spin, and comes back."""
    with serving(board.logdir, files=FEW_FILES) as served:
        runs = len(served.when(_read)["runs"])
        held = hanging(served.port, 4 * FEW_FILES)
        busy = _busy(served, 2.0)
        for one in held:
            vanish(one)
        board_now = served.when(lambda found: len(found["runs"]) >= runs - 12)
        broke = [f"{100 * busy:.0f} % of a core while it had no files left"] if busy > 0.6 else []
        if not served.runs:
            broke.append(f"the server died: {served.said()[-300:]!r}")
        tried = f"{4 * FEW_FILES} clients of a server with {FEW_FILES} files; {100 * busy:.0f} % of a core meanwhile"
    return Outcome("no file descriptors left", f"{tried}; {len(board_now['runs'])} runs afterwards", tuple(broke))


def _slow_disk(board: Arena) -> Outcome:
    """Every read of some runs takes seconds: whoever asks for others is answered, and hears what is new in them."""
    flag = board.folder / "slow"
    program = ("-m", "torture.children.flood_slow_disk", str(flag), str(SLOW_SECONDS))
    with serving(board.logdir, program=program) as served:
        ids = {run["name"]: run["id"] for run in served.when(_read)["runs"]}
        flag.touch()
        slow = [f"api/series?kind=scalar&tag=tag/0&runs={ids[name]}&n=1600" for name in ids if name.startswith("slow")]
        held = [connected(served.port, request(path)) for path in slow]
        time.sleep(0.1)
        looks = []
        for _ in range(10):
            began = time.monotonic()
            status, _ = served.get(board.small)
            looks.append(Look(began, time.monotonic() - began, status))
        waited = asyncio.run(_one_pulse(board, served))
        flag.unlink()
        statuses = [one.recv(65536).split(b" ", 2)[1] for one in held]
        for one in held:
            one.close()
    broke = [f"a slow answer was {statuses}"] if set(statuses) != {b"200"} else []
    if (worst := max(look.seconds for look in looks)) > SMALL_WORST or any(look.status != 200 for look in looks):
        broke.append(f"small questions took {worst:.1f} s: {looks}")
    if waited > SLOW_SECONDS:
        broke.append(f"a new point of another run was told after {waited:.1f} s")
    tried = f"{len(slow)} questions to a disk that takes {SLOW_SECONDS:.0f} s for each; {_told(looks)}; "
    return Outcome("behind a slow file", f"{tried}append to hint {waited:.2f} s", tuple(broke))


async def _one_pulse(board: Arena, served: Served) -> float:
    """Seconds until a client of this server hears of a new point."""
    [tab] = await listen(served.port, 1)
    pulse, sent = board.beat()
    while (waited := tab.waited(pulse, sent)) is None and time.monotonic() < sent + PATIENCE:
        await asyncio.sleep(0.02)
    tab.close()
    return PATIENCE if waited is None else waited
