"""VisualDL: log what happens in a training run, and watch it live.

    from visualdl import LogWriter, LogReader

Importing this package runs nothing and loads neither numpy nor the board: a name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visualdl.reader import LogReader
    from visualdl.writer import LogWriter

    ROOT: str

__all__ = ["ROOT", "LogReader", "LogWriter", "__version__"]
__version__ = "4.0.0.dev0"

_HOMES = {"LogReader": "visualdl.reader", "LogWriter": "visualdl.writer"}


def __getattr__(name: str) -> object:
    if name == "ROOT":  # the package's folder, as 1.x and 2.x tell it
        from os.path import dirname, realpath

        return globals().setdefault("ROOT", dirname(realpath(__file__)))
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'visualdl' has no attribute {name!r}; it offers {', '.join(__all__)}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value  # the next look-up does not come here again
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
