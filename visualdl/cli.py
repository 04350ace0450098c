"""The command `visualdl`: reads its arguments, puts the rooms together, serves until Ctrl-C (docs/cli.md)."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from visualdl import __version__

WRONG_INPUT = 2
INTERRUPTED = 130

# Options of VisualDL 1.x and 2.x that this board has no use for: their spellings, how many values each takes (as
# argparse says it; None is one), and the sentence that says why.
_OLD: tuple[tuple[tuple[str, ...], str | int | None, str], ...] = (
    (("--cache_timeout", "--cache-timeout"), None, "no_cache"),
    (("--api-only", "--api_only"), 0, "no_use"),
    (("--theme",), None, "own_choice"),
    (("--component_tabs", "--component-tabs"), "+", "own_choice"),
    (("--verbose", "-v"), 0, "no_use"),
    (("--product",), None, "no_use"),
    (("--disable-telemetry", "--disable_telemetry"), 0, "no_telemetry"),
)

_WORDS = {
    "en": {
        "ready": "VisualDL is at {url} (Ctrl-C ends it)",
        "nothing": "Nothing to show: give --logdir DIR, --model FILE, or both; `visualdl demo` shows an example",
        "no_dir": "No such directory: {path}",
        "file": "{path} is a file: give the directory that it is in, --logdir {parent}",
        "locked": "The directory cannot be read: {path}",
        "empty": "{path} is empty: what is logged to it will appear on the board",
        "model_dir": "{path} is a directory: give the model file itself",
        "no_model_dir": "No such model file: {path}",
        "model_later": "There is no model file {path} yet: its graph will appear on the board when it is written",
        "taken": "Port {port} is in use: give another --port, or none, to take the next free one",
        "all_taken": "All ports from {first} to {port} are in use: give another with --port",
        "forbidden": "Port {port} needs the rights of an administrator: give one from 1024 on with --port",
        "address": "{host} is not an address of this machine: --host takes 127.0.0.1, 0.0.0.0 or one of its own",
        "other": "Cannot listen on {host}, port {port}: {detail}",
        "token": "VISUALDL_TOKEN must have at least 16 characters, all of them letters, digits or one of . _ ~ -",
        "prefix": "--public-path begins with / and has only letters, digits and . _ ~ - / in it, not {path}",
        "no_cache": "{flag} has no effect: new records are shown at once, there is no cache to wait for",
        "no_use": "{flag} has no effect",
        "own_choice": "{flag} has no effect: what is shown, and in which colours, is chosen on the board",
        "no_telemetry": "{flag} has no effect: there is no telemetry",
        "stray": "{word} is not an option: a directory of logs is given with --logdir {word}",
        "service": "There is no upload service any more: nothing leaves this machine",
        "written": "Wrote the example to {path}",
        "kept": "{path} is there already: shown as it is",
        "not_demo": "{path} is there already and is not a directory: give another",
        "no_write": "The example cannot be written to {path}: {detail}",
        "see_help": "see visualdl --help",
    },
    "zh": {
        "ready": "VisualDL 已启动： {url} （按 Ctrl-C 结束）",
        "nothing": "没有可显示的内容：请给出 --logdir 目录、--model 文件或两者；`visualdl demo` 会展示一个示例",
        "no_dir": "目录不存在：{path}",
        "file": "{path} 是文件：请给出它所在的目录，--logdir {parent}",
        "locked": "无法读取目录：{path}",
        "empty": "{path} 是空目录：写入其中的日志会随即显示在看板上",
        "model_dir": "{path} 是目录：请给出模型文件本身",
        "no_model_dir": "模型文件不存在：{path}",
        "model_later": "模型文件 {path} 尚不存在：写出之后，其计算图会显示在看板上",
        "taken": "端口 {port} 已被占用：请用 --port 另选一个；不给 --port 则自动使用下一个空闲端口",
        "all_taken": "端口 {first} 至 {port} 均被占用：请用 --port 另选一个",
        "forbidden": "使用端口 {port} 需要管理员权限：请用 --port 选择 1024 及以上的端口",
        "address": "{host} 不是本机地址：--host 可为 127.0.0.1、0.0.0.0 或本机的其他地址",
        "other": "无法监听 {host} 的端口 {port}：{detail}",
        "token": "VISUALDL_TOKEN 至少 16 个字符，只能包含字母、数字和 . _ ~ -",
        "prefix": "--public-path 须以 / 开头，只能包含字母、数字和 . _ ~ - /，而不是 {path}",
        "no_cache": "{flag} 不起作用：新记录会立即显示，无需等待缓存",
        "no_use": "{flag} 不起作用",
        "own_choice": "{flag} 不起作用：显示内容和配色在看板上选择",
        "no_telemetry": "{flag} 不起作用：本软件没有遥测",
        "stray": "{word} 不是选项：日志目录请用 --logdir {word} 给出",
        "service": "已不再提供上传服务：任何数据都不会离开本机",
        "written": "示例已写入 {path}",
        "kept": "{path} 已存在，按原样显示",
        "not_demo": "{path} 已存在且不是目录：请另选一个",
        "no_write": "示例无法写入 {path}：{detail}",
        "see_help": "参见 visualdl --help",
    },
}


class WrongInput(Exception):
    """What the person at the terminal asked for cannot be: one sentence about it."""


@dataclass(frozen=True)
class Terminal:
    """Speaks to the person who started the command, in one language."""

    language: str | None

    def words(self, key: str, **values: object) -> str:
        """One sentence."""
        return _WORDS[self.language or "en"][key].format(**values)

    def say(self, key: str, **values: object) -> None:
        """The result, on standard output, at once."""
        print(self.words(key, **values), flush=True)

    def note(self, key: str, **values: object) -> None:
        """Something by the way, on standard error."""
        print(f"visualdl: {self.words(key, **values)}", file=sys.stderr, flush=True)

    def wrong(self, key: str, **values: object) -> WrongInput:
        """The exception that ends the command with a sentence."""
        return WrongInput(self.words(key, **values))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status: 0 after Ctrl-C on an open board, 2 when the input was wrong (docs/cli.md)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _demo(given[1:]) if given[:1] == ["demo"] else _board(given)
    except WrongInput as wrong:
        print(f"visualdl: {wrong}", file=sys.stderr, flush=True)
        return WRONG_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Like argparse, with one sentence in place of a page about the usage."""

    def error(self, message: str) -> NoReturn:
        raise WrongInput(f"{message} ({_WORDS['en']['see_help']})")


class _HasNoEffect(argparse.Action):
    """Remembers an old option as it was spelt, and the sentence (its `const`) that says why it does nothing."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, flag: str | None = None
    ) -> None:
        namespace.old = [*namespace.old, (self.const, flag)]


def board_parser() -> argparse.ArgumentParser:
    """The arguments of `visualdl`."""
    parser = _Parser(
        prog="visualdl",
        description="Shows what training runs have logged, live, and the graph of a model.",
        epilog="`visualdl demo` writes an example and opens the board on it. See also: visualdl demo --help",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--logdir",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="directories with logs; also of other tools",
    )
    parser.add_argument(
        "--model", "--model_pb", "-m", type=Path, metavar="FILE", help="an ONNX model, to show its graph"
    )
    _add_serving(parser)
    parser.set_defaults(old=[])
    for flags, values, why in _OLD:
        parser.add_argument(*flags, nargs=values, dest="old", action=_HasNoEffect, const=why, help=argparse.SUPPRESS)
    parser.add_argument("stray", nargs="*", help=argparse.SUPPRESS)
    return parser


def demo_parser() -> argparse.ArgumentParser:
    """The arguments of `visualdl demo`."""
    parser = _Parser(
        prog="visualdl demo",
        description="Writes an example (several small runs, trained on the spot) and opens the board on it.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path("scratch_log"),
        help="where to write it (default: ./scratch_log)",
    )
    parser.add_argument(
        "--exit", "--no-serve", dest="only_write", action="store_true", help="only write it, do not open the board"
    )
    _add_serving(parser)
    return parser


def _add_serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", "-t", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument(
        "--port", "-p", type=_port, help="the port (default: 8040, or the next one that is free; 0 for any)"
    )
    parser.add_argument("--open", action="store_true", help="open the board in the browser")
    parser.add_argument(
        "--language", "-L", choices=("en", "zh"), help="the board's first language (default: the browser's)"
    )
    parser.add_argument(
        "--allow-host",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="host names that the board also answers to, behind a proxy",
    )
    parser.add_argument(
        "--public-path", default="", metavar="/PATH", help="a prefix that a proxy leaves in front of every address"
    )
    parser.add_argument("--version", action="version", version=f"visualdl {__version__}")


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _board(arguments: list[str]) -> int:
    asked = board_parser().parse_args(arguments)
    terminal = Terminal(asked.language)
    if asked.stray:
        raise terminal.wrong("service" if asked.stray[0] == "service" else "stray", word=asked.stray[0])
    for why, flag in asked.old:
        terminal.note(why, flag=flag)
    if not asked.logdir and asked.model is None:
        raise terminal.wrong("nothing")
    # A shell does not expand the ~ in --logdir=~/logs. One of a user whom nobody knows stays as it is.
    for shown in asked.logdir:
        _check_directory(Path(os.path.expanduser(shown)), terminal)
    model = None if asked.model is None else Path(os.path.expanduser(asked.model))
    if model is not None:
        _check_model(model, terminal)
    return _serve(asked, tuple(asked.logdir), model, terminal)


def _check_directory(path: Path, terminal: Terminal) -> None:
    # os.path, not Path: this says no of a path that is too long, or in a directory that may not be entered.
    if os.path.isfile(path):
        raise terminal.wrong("file", path=path, parent=path.parent)
    try:
        with os.scandir(path) as entries:
            if next(entries, None) is None:
                terminal.note("empty", path=path)
    except PermissionError:
        raise terminal.wrong("locked", path=path) from None
    except (OSError, ValueError):  # ValueError: a NUL in it
        raise terminal.wrong("no_dir", path=path) from None


def _check_model(path: Path, terminal: Terminal) -> None:
    if os.path.isdir(path):
        raise terminal.wrong("model_dir", path=path)
    if not os.path.exists(path):
        if not os.path.isdir(path.parent):
            raise terminal.wrong("no_model_dir", path=path)
        terminal.note("model_later", path=path)


def _demo(arguments: list[str]) -> int:
    asked = demo_parser().parse_args(arguments)
    terminal = Terminal(asked.language)
    from visualdl import demo

    directory: Path = asked.directory
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise terminal.wrong("not_demo", path=directory)
    try:
        wrote = demo.write(directory)
    except OSError as trouble:
        raise terminal.wrong("no_write", path=directory, detail=trouble.strerror or trouble) from None
    if asked.only_write:
        terminal.say("written" if wrote else "kept", path=directory)
        return 0
    terminal.note("written" if wrote else "kept", path=directory)
    model = directory / demo.MODEL_NAME
    # Only what was written just now: in what was there already, nothing is touched.
    with demo.training_on(directory) if wrote else contextlib.nullcontext():
        return _serve(asked, (str(directory),), model if model.is_file() else None, terminal)


def _serve(asked: argparse.Namespace, roots: tuple[str, ...], model_path: Path | None, terminal: Terminal) -> int:
    """Put the rooms together and answer until Ctrl-C."""
    token = os.environ.get("VISUALDL_TOKEN") or None
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]{16,}", token):
        raise terminal.wrong("token")
    prefix = "/" + asked.public_path.strip("/") if asked.public_path.strip("/") else ""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", prefix):
        raise terminal.wrong("prefix", path=asked.public_path)

    # Only now: a wrong argument is told at once, without loading the server and what it reads with.
    from visualdl.server.heap import share_one_heap

    share_one_heap()

    from visualdl.server.api import About
    from visualdl.server.app import Board, create_app
    from visualdl.server.guard import Policy, new_token
    from visualdl.server.model import ModelFile
    from visualdl.server.serve import CannotListen, listen, own_names, serve, url
    from visualdl.store.store import Store

    model = None if model_path is None else ModelFile(model_path)
    if model is not None:
        model.refresh()
        if model.trouble is not None:
            raise WrongInput(str(model.trouble))
    try:
        listening = listen(asked.host, asked.port)
    except CannotListen as trouble:
        key = "all_taken" if trouble.reason == "taken" and asked.port is None else trouble.reason
        details = {"host": trouble.host, "port": trouble.port, "detail": trouble, "first": 8040}
        raise terminal.wrong(key, **details) from None
    if token is None and not listening.only_here:
        token = new_token()
    allowed = frozenset(name.lower().rstrip(".") for name in asked.allow_host)
    policy = Policy(token, own_names(listening) | allowed, allowed, f"visualdl-{listening.port}")
    about = About(__version__, asked.language, roots)
    address = url(listening, token, prefix)

    def ready() -> None:
        terminal.say("ready", url=address)
        if asked.open:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    board = Board(Store([Path(os.path.expanduser(root)) for root in roots]), about, policy, model, prefix)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a board ends
        serve(create_app(board), listening, ready)
    return 0
