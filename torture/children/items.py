"""A data set whose items log themselves, in whichever process they are loaded."""

from __future__ import annotations

from typing import Any

import torch
import torch.utils.data as data

from visualdl import LogWriter

COUNT = 40


class Items(data.Dataset[Any]):
    """`COUNT` items; each is logged when it is loaded: step = how often this process loaded it × 1000 + its number."""

    def __init__(self, writer: LogWriter) -> None:
        self.writer = writer
        self.loaded = [0] * COUNT

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> Any:
        self.writer.add_scalar(f"item/{number}", float(number), self.loaded[number])
        self.loaded[number] += 1
        return torch.tensor(number)
