"""The threads of a server take memory from one heap, which another thread can use again."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

THREADS = """
import ctypes, sys, threading
from visualdl import cli

def many_threads(*_):
    everybody, kept = threading.Barrier(5), []
    def take():
        kept.append(bytearray(100_000))
        everybody.wait()
    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads: thread.start()
    everybody.wait()
    for thread in threads: thread.join()

import visualdl.server.serve as serve
serve.serve = many_threads
cli.main(["--logdir", sys.argv[1], "--port", "0"])
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen((sys.argv[1] + "/heaps.xml").encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives each thread a heap of its own")
def test_the_threads_of_the_command_take_memory_from_one_heap(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", THREADS, str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "heaps.xml").read_text().count("<heap ") == 1
