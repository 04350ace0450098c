"""What a tag, a mode and a logdir may be called, with the exception that users of each dialect expect."""

from __future__ import annotations

import os
import time

DEFAULT_MODE = "default"
"""The mode of a writer that was given none: its run is the logdir itself."""

_RESERVED_TAG = "embedding"  # 1.x kept this name for its embedding writer
_LONGEST_FILE_NAME = 255  # bytes, on every filesystem that matters


def check_tag_1x(tag: str) -> str:
    """The tag, if 1.x takes it. Raises AssertionError (as 1.x) for `%` and the reserved word, TypeError for no text."""
    _check_text("tag", tag)
    if "%" in tag:
        raise AssertionError(
            f"the character % is reserved, it cannot be in a tag, and is in {tag!r}; write another character, such as _"
        )
    if tag == _RESERVED_TAG:
        raise AssertionError(f"{tag!r} is a reserved word and cannot be a tag; give it a group, as in 'train/{tag}'")
    return tag


def check_tag_2x(tag: str) -> str:
    """The tag, if 2.x takes it. Raises RuntimeError (as 2.x) for `%`, TypeError for no text."""
    _check_text("tag", tag)
    if "%" in tag:
        raise RuntimeError(f"% can't appear in a tag, and is in {tag!r}; write another character, such as _")
    return tag


def check_mode(mode: str) -> str:
    """The mode, if it can name a folder below the logdir. Raises AssertionError (as 1.x), TypeError for no text."""
    _check_text("mode", mode)
    for character in ("%", "/", os.sep, os.altsep, "\0"):
        if character and character in mode:
            raise AssertionError(
                f"the character {character!r} is reserved, it cannot be in a mode, and is in {mode!r}; "
                "write another character, such as _ or ."
            )
    if mode in ("", ".", "..") or len(os.fsencode(mode)) > _LONGEST_FILE_NAME:
        raise AssertionError(
            f"a mode names a folder below the logdir, in 1 to {_LONGEST_FILE_NAME} bytes, and {mode!r} cannot; "
            "give it a short word, such as 'train'"
        )
    return mode


def folder_name(text: str) -> str:
    """`text` as the name of one folder: separators become `_`, as in 2.x's names for the curves of add_scalars."""
    for character in ("/", os.sep, os.altsep, "\0"):
        if character:
            text = text.replace(character, "_")
    encoded = os.fsencode(text)[:_LONGEST_FILE_NAME]
    name = encoded.decode(errors="ignore")
    return name if name not in ("", ".", "..") else "_"


def check_logdir(logdir: str | os.PathLike[str]) -> str:
    """The logdir, absolute. Raises ValueError for an address of another machine, NotADirectoryError for a file."""
    text = os.fspath(logdir)
    if not isinstance(text, str):
        raise TypeError(f"wanted the logdir as text or pathlib.Path, got {type(logdir).__name__}")
    if "://" in text:
        raise ValueError(
            f"wanted a folder on this machine, got the address {text!r}; log to a local folder and copy it, "
            "or mount the remote one and give its path"
        )
    if os.path.exists(text) and not os.path.isdir(text):
        raise NotADirectoryError(f"wanted a folder for the logs, and {text!r} is a file; give another logdir")
    # Absolute from here on: a training script that changes its working directory keeps writing to the same run.
    return os.path.abspath(text)


def fresh_logdir(comment: str, *, reserve: bool) -> str:
    """`runs/<date>[.comment]`, as 2.x names it, with a number appended when another run has that name.

    reserve: make the folder at once, so that two processes started in one second do not become one run.
    """
    name = time.strftime("%b%d_%H-%M-%S") + (f".{folder_name(comment)}" if comment else "")
    base = os.path.abspath("runs")
    path, number = os.path.join(base, name), 1
    while reserve and not _take(path):
        number += 1
        path = os.path.join(base, f"{name}-{number}")
    return path


def _take(path: str) -> bool:
    """Make the folder; False when another run has it. What else may be wrong with it, the log says when it matters."""
    try:
        os.makedirs(path)
    except FileExistsError:
        return not os.path.isdir(path)
    except OSError:
        pass
    return True


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"wanted a {what} as text, got {value!r} of type {type(value).__name__}")
