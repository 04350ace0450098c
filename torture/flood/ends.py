"""How servers end, and what they bear: Ctrl-C in the middle of it all, no files left, a disk with a slow corner."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator

from torture.flood.arena import Arena
from torture.flood.listeners import asks_for_live, listen
from torture.flood.looks import SMALL_WORST, Look, told
from torture.flood.served import PATIENCE, Ended, NotServing, Served, serving
from torture.flood.strangers import connected, hanging, request, vanish
from torture.scene import Outcome

END_SECONDS = 5.0
FEW_FILES = 128


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


def interrupted(board: Arena) -> Outcome:
    """Ctrl-C during all of it, and a new start on the same port at once."""
    port = board.served.port
    with _pressed(board, board.served):
        end = board.served.end(signal.SIGINT)
    broke = _ended_well(end, 0)
    began = time.monotonic()
    try:
        with serving(board.logdir, port) as again:
            status, _ = again.get("api/board")
    except NotServing as trouble:
        broke.append(f"on the same port again, {trouble}")
    else:
        broke += [f"started again on its port, it answered {status}"] if status != 200 else []
    back = time.monotonic() - began
    return Outcome("Ctrl-C", f"ended after {end.seconds:.2f} s; back on its port {back:.1f} s later", tuple(broke))


def terminated(board: Arena) -> Outcome:
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


def few_files(board: Arena) -> Outcome:
    """A server that may open few files, and more clients than that: it waits, does not spin, and comes back."""
    with serving(board.logdir, files=FEW_FILES) as served:
        runs = len(served.when(_read)["runs"])
        held = hanging(served.port, 4 * FEW_FILES)
        busy = served.busy(1.0)
        for one in held:
            vanish(one)
        board_now = served.when(lambda found: len(found["runs"]) >= runs - 12)
        broke = [f"{100 * busy:.0f} % of a core while it had no files left"] if busy > 0.6 else []
        if not served.runs:
            broke.append(f"the server died: {served.said()[-300:]!r}")
        tried = f"{4 * FEW_FILES} clients of a server with {FEW_FILES} files; {100 * busy:.0f} % of a core meanwhile"
    return Outcome("no file descriptors left", f"{tried}; {len(board_now['runs'])} runs afterwards", tuple(broke))


def slow_disk(board: Arena) -> Outcome:
    """Every read of some runs takes seconds: whoever asks for others is answered, and hears what is new in them."""
    flag = board.folder / "slow"
    seconds = 1.0 if board.short else 2.5
    program = ("-m", "torture.children.flood_slow_disk", str(flag), str(seconds))
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
    if waited > seconds:
        broke.append(f"a new point of another run was told after {waited:.1f} s")
    tried = f"{len(slow)} questions to a disk that takes {seconds:g} s for each; {told(looks)}; "
    return Outcome("behind a slow file", f"{tried}append to hint {waited:.2f} s", tuple(broke))


async def _one_pulse(board: Arena, served: Served) -> float:
    """Seconds until a client of this server hears of a new point."""
    [tab] = await listen(served.port, 1)
    pulse, sent = board.beat()
    while (waited := tab.waited(pulse, sent)) is None and time.monotonic() < sent + PATIENCE:
        await asyncio.sleep(0.02)
    tab.close()
    return PATIENCE if waited is None else waited
