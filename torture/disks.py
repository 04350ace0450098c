"""Takes the disk away from under a training: full, read-only, hanging, deleted, over quota, without mmap.

Promised (docs/safety.md): training goes on without an exception, there is one warning, close() tells how many rows and
records were dropped and why, everything else is readable, unchanged and in order, and the board tells of the drop too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from torture.scene import Budget, Outcome

SHARE = 1.0
AT_ONCE = 3  # they wait more than they work
_ATTEMPT_SECONDS = 6.0  # what one takes on a busy machine
_PATIENCE = 90.0


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every sort of trouble once, in an order that the seed decides, then again; as many as there is time for."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        yield Outcome("disks", "", left_out="mounts need Linux and unshare")
        return
    from torture.children.disk import TROUBLES

    every = [(name, how) for name, trouble in TROUBLES.items() for how in trouble.durability]
    order = budget.chance.sample(every, len(every))
    names = [name for name, _ in order]
    order = [order[i] for i in sorted(range(len(order)), key=lambda i: names.index(names[i]) != i)]  # each once first
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def work(first: int, folder: Path) -> None:
        number = first
        while budget.left() > min(_ATTEMPT_SECONDS, budget.seconds / 2) and number < 10 * len(order):
            name, how = order[number % len(order)]
            found[name].append({"number": number, "how": how, **_attempt(name, how, folder / str(number), number)})
            number += AT_ONCE

    with tempfile.TemporaryDirectory(prefix="torture-disks-") as scratch, ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(work, first, Path(scratch)) for first in range(AT_ONCE)]:
            done.result()
    for name in TROUBLES:
        if name in found:
            yield _outcome(name, found[name])
    if missing := [name for name in TROUBLES if name not in found]:
        yield Outcome("other disks", f"{len(found)} of {len(TROUBLES)}", left_out=f"no time for {'; '.join(missing)}")


def _attempt(name: str, how: str, folder: Path, number: int) -> dict[str, Any]:
    folder.mkdir()
    for parent in (folder, folder.parent):
        parent.chmod(0o777)  # a child that becomes nobody must come this far
    command = ["unshare", "--mount", sys.executable, "-m", "torture.children.disk", name, how, str(folder), str(number)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return {"broke": [f"hung for {_PATIENCE:.0f} s"]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode or not done.stdout.strip():
        if done.stderr.startswith("unshare:"):
            return {"left_out": done.stderr.strip()}
        return {"broke": [f"ended with {done.returncode}: {done.stderr[-800:]}"]}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if done.stderr:
        told.setdefault("broke", []).append(f"said on stderr: {done.stderr[-800:]}")
    return told


def _outcome(name: str, found: list[dict[str, Any]]) -> Outcome:
    left_out = "; ".join(sorted({one["left_out"] for one in found if "left_out" in one}))
    if left_out:
        return Outcome(name, "", left_out=left_out)
    rows, dropped = sum(one.get("rows", 0) for one in found), sum(one.get("lost_rows", 0) for one in found)
    ways = sorted({one["how"] for one in found})
    tried = f"{len(found)} times ({', '.join(ways)}), {rows:,} rows read back, {dropped:,} told dropped"
    broke = tuple(f"attempt {one['number']} ({one['how']}): {what}" for one in found for what in one.get("broke", ()))
    return Outcome(name, tried, broke)
