"""(7) Nothing leaves this machine and nothing secret enters a log: training, board and command without any network."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.server.boards import PATIENCE

ROOT = Path(__file__).parents[3]
SECRETS = {
    "HF_TOKEN": "hf_secretsecretsecret", "WANDB_API_KEY": "wandbsecretsecret",
    "AWS_SECRET_ACCESS_KEY": "awssecretsecret",
    "OPENAI_API_KEY": "sk-secretsecret", "GITHUB_TOKEN": "ghp_secretsecret", "VISUALDL_TOKEN": "visualdlsecretsecret",
}  # fmt: skip

# A training, a board on it, every question to it, and the demonstration. What tries to reach anybody else is told.
ALL_OF_IT = """
    import json, socket, sys, threading
    from pathlib import Path

    asked, opened = [], []

    def listen(event, arguments):
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1] if len(arguments) > 1 else None
            inner = isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")
            here = inner or isinstance(address, (str, bytes))
            if not here:
                asked.append((event, repr(address)))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            if arguments[0] not in ("127.0.0.1", "localhost", "::1", "0.0.0.0", None, b"127.0.0.1"):
                asked.append((event, repr(arguments[0])))
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile"):
            asked.append((event, repr(arguments[0])))

    sys.addaudithook(listen)
    folder = Path(sys.argv[1])

    import numpy as np
    from visualdl import LogReader, LogWriter, demo
    with LogWriter(folder / "logs" / "run", display_name="shown") as writer:
        for step in range(2_000):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_image("picture", np.zeros((8, 8, 3), np.uint8), 0)
        writer.add_histogram("weights", np.arange(100.0), 0)
    LogReader(folder / "logs" / "run")
    demo.write(folder / "demo")

    from urllib.request import urlopen, Request
    from visualdl.server.api import About
    from visualdl.server.app import Board, create_app
    from visualdl.server.guard import Policy
    from visualdl.server.model import ModelFile
    from visualdl.server.serve import Background, listen as listening_on, own_names, url
    from visualdl.store.store import Store

    listening = listening_on("127.0.0.1", 0)
    own_names(listening)
    base = url(listening, None)
    store = Store([folder / "logs", folder / "demo"])
    board = Board(store, About("1", None, ("logs",)), Policy(), ModelFile(folder / "demo" / demo.MODEL_NAME))
    server = Background(create_app(board), listening)
    server.start()
    answers = []
    def ask(address, data=None):
        answers.append(urlopen(Request(base + address, data)).read())
        return answers[-1]
    while json.loads(ask("api/board"))["loading"] is not None or not json.loads(answers[-1])["graph"]:
        pass
    told = json.loads(answers[-1])
    run = next(run["id"] for run in told["runs"] if run["name"].endswith("run"))
    for kind, tag in (("scalar", "loss"), ("image", "picture"), ("histogram", "weights")):
        ask(f"api/series?kind={kind}&tag={tag}&runs={run}")
    ask(f"api/csv?kind=scalar&tag=loss&runs={run}")
    ask("api/graph")
    ask("api/graph?name=m", (folder / "demo" / demo.MODEL_NAME).read_bytes())
    server.stop()
    everything = b"".join(answers)
    print(json.dumps({"asked": asked, "answers": everything.decode("latin-1"), "runs": len(told["runs"])}))
"""


def played(folder: Path, *before: str) -> dict[str, object]:
    """What came of all of it, in a process of its own, with secrets in its environment."""
    (folder / "all_of_it.py").write_text(textwrap.dedent(ALL_OF_IT))
    done = subprocess.run(
        [*before, sys.executable, str(folder / "all_of_it.py"), str(folder)], capture_output=True, text=True,
        cwd=folder, timeout=PATIENCE, env={**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    assert not re.search("secretsecret", done.stderr)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder in which all of it was done, and what came of it."""
    folder = tmp_path_factory.mktemp("leaves")
    return folder, played(folder)


def test_nobody_else_is_asked_and_no_program_is_started(there: tuple[Path, dict[str, object]]) -> None:
    _, found = there
    assert found["asked"] == []
    assert isinstance(found["runs"], int) and found["runs"] >= 2


def without_network() -> list[str]:
    """What starts a command with the loopback as its only network; empty where that cannot be had."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    begin = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--user", "--map-root-user", "--net"]
    up = "import fcntl, socket, struct; s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 0x49))"
    start = [*begin, sys.executable, "-c", f"{up}; import os, sys; os.execv(sys.argv[1], sys.argv[1:])"]
    tried = subprocess.run([*start, sys.executable, "-c", "print('up')"], capture_output=True, text=True)
    return start if tried.stdout == "up\n" else []


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_all_of_it_works_where_there_is_no_network(tmp_path: Path) -> None:
    start = without_network()
    if not start:
        pytest.skip("this machine lets nobody make a network namespace")
    alone = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    tried = subprocess.run([*start, sys.executable, "-c", alone], capture_output=True, text=True)
    assert "unreachable" in tried.stderr  # it is really cut off
    found = played(tmp_path, *start)
    assert found["asked"] == []
    assert isinstance(found["runs"], int) and found["runs"] >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")
def test_the_system_is_asked_for_no_connection_to_anywhere_else(tmp_path: Path) -> None:
    """What the hooks of Python cannot see: extensions, threads of the event loop, the resolver of the C library."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    played(tmp_path, strace, "-f", "-qq", "-o", str(trace), "-e", "trace=connect,sendto,sendmsg,execve")
    lines = trace.read_text(errors="replace").splitlines()
    asked = [line for line in lines if "sa_family" in line or "sun_path" in line]
    foreign = [line for line in asked if not re.search(r'inet_addr\("127\.|"::1"|AF_NETLINK|AF_UNIX', line)]
    assert asked
    assert not foreign
    assert sum("execve(" in line for line in lines) == 1  # itself


def test_no_secret_of_the_environment_is_in_a_log_or_in_an_answer(there: tuple[Path, dict[str, object]]) -> None:
    folder, found = there
    assert not [secret for secret in (*SECRETS.values(), *SECRETS) if secret in str(found["answers"])]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        content = path.read_bytes()
        if path.name != "all_of_it.py":
            assert not [secret for secret in (*SECRETS.values(), *SECRETS) if secret.encode() in content], path


# ------------------------------------------------------------------------------------------- what is on the disk

UPLOAD = """
    import os, sys, tempfile
    os.umask(0)
    from visualdl.server.model import Upload
    names = set()
    for _ in range(3):
        upload = Upload(1_000)
        upload.write(b"x")
        names.add(upload.path.parent.name)
        print(oct(upload.path.parent.stat().st_mode & 0o777), oct(upload.path.stat().st_mode & 0o777))
        upload.close()
        assert not upload.path.parent.exists()
    assert len(names) == 3
    print(os.listdir(tempfile.gettempdir()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_a_model_on_its_way_in_is_for_nobody_else_to_see_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UPLOAD)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    *modes, left = done.stdout.splitlines()
    folders, files = zip(*(line.split() for line in modes), strict=True)
    assert set(folders) == {"0o700"}
    assert not [mode for mode in files if int(mode, 8) & 0o111]
    assert left == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
@pytest.mark.parametrize("mask", [0o077, 0o022])
def test_logs_are_as_open_as_the_user_wants_files_to_be_and_never_more(tmp_path: Path, mask: int) -> None:
    script = f"import os; os.umask({mask}); from visualdl import LogWriter\n"
    script += "with LogWriter('r') as writer: writer.add_scalar('a', 1, 0)"
    subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    found = list((tmp_path / "r").rglob("*"))
    assert found
    for path in [tmp_path / "r", *found]:
        assert not stat.S_IMODE(path.stat().st_mode) & mask, path
