"""tensorboardX: a SummaryWriter without PyTorch. It has no board of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from benches.peers.contract import RUN, Calls, Tool
from benches.peers.tensorboard import summary_writer


class TensorBoardX(Tool):
    """Read back by TensorBoard, for which it writes."""

    name = "tensorboardx"
    title = "tensorboardX"
    statement = "from tensorboardX import SummaryWriter"
    packages = ("tensorboardX",)
    reader = "tensorboard"

    def open(self, folder: Path) -> Calls:
        """SummaryWriter."""
        return summary_writer(import_module("tensorboardX").SummaryWriter(str(folder / RUN)))


TOOL = TensorBoardX()
