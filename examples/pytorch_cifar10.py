"""The VisualDL tutorial: train a small convolutional network on ten classes of images, and watch it learn.

Start the board first, in a second terminal, and leave it open (it shows each step as it is made):

    mkdir -p workspace
    visualdl --logdir ./workspace --port 8080 --model_pb pytorch_cifar10.onnx

then run this script: `python pytorch_cifar10.py`. `make demo` does both. `pytorch_cifar10.ipynb` is this file as a
notebook (made by notebook.py: the lines `# %%` divide the cells).
"""

# %% [markdown]
# # Watch a PyTorch network learn
#
# A small convolutional network learns to tell ten classes of images apart. While it does, VisualDL records its loss
# and accuracy (scalars), the weights of its first layer (a histogram), two of its layers drawn as pictures (images), a
# preview of what it is shown and, from the ONNX file, its graph. Start the board in another terminal, in this folder:
#
#     mkdir -p workspace
#     visualdl --logdir ./workspace --port 8080 --model_pb pytorch_cifar10.onnx

# %%
from __future__ import annotations

import logging
import urllib.request
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import photographs
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812 (the name that every PyTorch script knows)
from torch.utils.data import DataLoader, TensorDataset

from visualdl import LogWriter

logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # or each export lists what torchvision could have added


@dataclass(frozen=True)
class Settings:
    """What a run of the tutorial may vary. `steps` ends it early; CIFAR-10 has its own numbers of images."""

    logdir: Path = Path("workspace")
    model: Path = Path("pytorch_cifar10.onnx")
    data: str = "auto"  # "cifar10", "photographs", or "auto": the first of the two that can be had
    epochs: int = 15
    steps: int | None = None
    batch_size: int = 500
    num_workers: int = 2
    train_images: int = 50_000
    test_images: int = 10_000


# %% [markdown]
# ## The images
#
# CIFAR-10: 50,000 training and 10,000 test images of 32 × 32 pixels in ten classes. It needs torchvision and a download
# of 170 MB. Where either is missing, as many images of the same shape are cut from ten photographs that scikit-learn
# and scikit-image ship, and the question becomes: which photograph is this a piece of?


# %%
class Images(NamedTuple):
    """Training and test images, uint8 (n, 3, 32, 32), each with its label, int64 (n,); and what the labels mean."""

    train: TensorDataset
    test: TensorDataset
    classes: Sequence[str]


def load_images(settings: Settings) -> Images:
    """CIFAR-10 where it can be had, else crops of photographs: `settings.data` says which."""
    if settings.data not in ("auto", "cifar10", "photographs"):
        raise ValueError(f'data must be "auto", "cifar10" or "photographs", got {settings.data!r}')
    if settings.data != "photographs":
        try:
            return load_cifar10()
        except (ImportError, OSError) as error:  # no torchvision; no network
            if settings.data == "cifar10":
                raise
            print(f"CIFAR-10 is not at hand ({error}): using crops of ten photographs instead")
    train = photographs.crops(train=True, count=settings.train_images)
    test = photographs.crops(train=False, count=settings.test_images)
    return Images(
        TensorDataset(torch.from_numpy(train.images), torch.from_numpy(train.labels)),
        TensorDataset(torch.from_numpy(test.images), torch.from_numpy(test.labels)),
        photographs.CLASSES,
    )


def load_cifar10(folder: str = "data") -> Images:
    """CIFAR-10 as torchvision keeps it in `folder`, downloaded once. ImportError or OSError when it cannot be had."""
    from torchvision.datasets import CIFAR10

    if not Path(folder, CIFAR10.base_folder).is_dir():  # a look at the server first, so that no network means no wait
        urllib.request.urlopen(urllib.request.Request(CIFAR10.url, method="HEAD"), timeout=3).close()
    parts = [CIFAR10(folder, train=train, download=True) for train in (True, False)]
    train, test = (
        TensorDataset(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))
        for part in parts
    )
    return Images(train, test, parts[0].classes)


def normalize(images: Tensor) -> Tensor:
    """uint8 0..255 -> float32 -1..1."""
    return images.float().div(127.5).sub(1.0)


# %% [markdown]
# A preview of what the network is shown: a matplotlib figure, which the board keeps beside the other images.


# %%
def preview(images: Tensor, labels: Tensor, classes: Sequence[str]) -> Figure:
    """The first eighteen images of a batch with the names of their classes."""
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    for axes, image, label in zip(figure.subplots(3, 6).flat, images[:18], labels[:18], strict=False):
        axes.imshow(image.permute(1, 2, 0).numpy())
        axes.set_title(classes[int(label)], fontsize=8)
        axes.set_axis_off()
    return figure


# %% [markdown]
# ## The network


# %%
class CNN(nn.Module):
    """Two convolutions with pooling, three fully connected layers: LeNet's shape, for three colours."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images, float32 (n, 3, 32, 32) -> one score per class, float32 (n, 10)."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return cast(Tensor, self.fc3(x))


def evaluate(net: CNN, images: TensorDataset) -> tuple[float, float]:
    """Mean loss and accuracy (0..1) of the network over all `images`."""
    loss, right = 0.0, 0
    with torch.no_grad():
        for inputs, labels in DataLoader(images, batch_size=1000):
            outputs = net(normalize(inputs))
            loss += F.cross_entropy(outputs, labels, reduction="sum").item()
            right += int((outputs.argmax(1) == labels).sum())
    return loss / len(images), right / len(images)


def export(net: CNN, model: Path) -> None:
    """Write the network's graph and weights as an ONNX file, for the board's page of graphs."""
    dummy_input = torch.randn(4, 3, 32, 32)
    with warnings.catch_warnings():  # the exporter of PyTorch 2.13 calls a function that PyTorch 2.13 deprecates
        warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
        torch.onnx.export(net.eval(), (dummy_input,), str(model), verbose=False)
    net.train()


# %% [markdown]
# ## What is logged
#
# A `LogWriter` writes into a directory; `mode` names the run that the lines below it belong to. Each handle is one
# series: made once, then given a record a step. Runs that share a tag share a chart on the board.


# %%
def training_log(logger: LogWriter) -> Callable[[int, CNN, Tensor, Tensor], None]:
    """Make the series of the run `train`; returns the function that logs one step into them."""
    with logger.mode("train"):
        scalar_pytorch_train_loss = logger.scalar("scalars/scalar_pytorch_train_loss")
        scalar_accuracy = logger.scalar("scalars/accuracy")
        image1 = logger.image("images/image1", 1)
        image2 = logger.image("images/image2", 1)
        histogram0 = logger.histogram("histogram/histogram0", num_buckets=100)

    def log_step(train_step: int, net: CNN, loss: Tensor, accuracy: Tensor) -> None:
        scalar_pytorch_train_loss.add_record(train_step, float(loss))
        scalar_accuracy.add_record(train_step, float(accuracy))
        histogram0.add_record(train_step, net.conv1.weight.view(6 * 3 * 5 * 5, -1))
        image1.start_sampling()
        image1.add_sample([96, 25], net.conv2.weight.view(16 * 6 * 5 * 5, -1))
        image1.finish_sampling()
        image2.start_sampling()
        image2.add_sample([18, 25], net.conv1.weight.view(6 * 3 * 5 * 5, -1))
        image2.finish_sampling()

    return log_step


def testing_log(logger: LogWriter) -> Callable[[int, float, float], None]:
    """Make the series of the run `test`; returns the function that logs one test into them."""
    with logger.mode("test"):
        scalar_loss = logger.scalar("scalars/test_loss")
        scalar_accuracy = logger.scalar("scalars/accuracy")  # the tag of the training accuracy: one chart, two lines

    def log_test(train_step: int, loss: float, accuracy: float) -> None:
        scalar_loss.add_record(train_step, loss)
        scalar_accuracy.add_record(train_step, accuracy)

    return log_test


# %% [markdown]
# ## The training


# %%
def train(settings: Settings) -> float:
    """Train, log and export as `settings` say; returns the accuracy on the test images, 0..1."""
    torch.manual_seed(0)
    images = load_images(settings)
    loader = DataLoader(images.train, settings.batch_size, shuffle=True, num_workers=settings.num_workers)
    net = CNN()
    export(net, settings.model)  # the graph is on the board from the first step; the trained weights follow at the end
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * len(loader))  # ends without a jump

    logger = LogWriter(str(settings.logdir), sync_cycle=100)
    log_step, log_test = training_log(logger), testing_log(logger)
    inputs, labels = next(iter(loader))
    logger.as_mode("train").add_figure("images/batch", preview(inputs, labels, images.classes), 0)
    log_test(0, *evaluate(net, images.test))  # what guessing gives

    train_step, accuracy = 0, 0.0
    for epoch in range(settings.epochs):
        losses = []
        for inputs, labels in loader:
            optimizer.zero_grad()
            outputs = net(normalize(inputs))
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            loss = loss.detach()  # float() of a tensor that still carries its graph warns since PyTorch 2.9
            log_step(train_step, net, loss, (outputs.argmax(1) == labels).float().mean())
            losses.append(loss.item())
            train_step += 1
            if train_step == settings.steps:
                break
        test_loss, accuracy = evaluate(net, images.test)
        log_test(train_step - 1, test_loss, accuracy)
        print(
            f"epoch {epoch + 1:2}: training loss {sum(losses) / len(losses):.3f}, "
            f"test loss {test_loss:.3f}, test accuracy {accuracy:.1%}",
            flush=True,
        )
        if train_step == settings.steps:
            break
    logger.close()
    export(net, settings.model)
    return accuracy


# %% [notebook]
# train(Settings())

# %% [markdown]
# The board showed it all while it happened, and the same command shows it again on any other day. What else can be
# logged, and how: see `docs/python_api.md`.


# %% [script]
def main() -> None:
    """Read the settings from the command line and train."""
    import argparse

    default = Settings()
    parser = argparse.ArgumentParser(description="Train a small network on CIFAR-10 and log it with VisualDL.")
    parser.add_argument("--logdir", type=Path, default=default.logdir, help="where the log goes (%(default)s)")
    parser.add_argument("--model", type=Path, default=default.model, help="the ONNX file to write (%(default)s)")
    parser.add_argument("--data", choices=("auto", "cifar10", "photographs"), default=default.data)
    parser.add_argument("--epochs", type=int, default=default.epochs)
    parser.add_argument("--steps", type=int, help="stop after this many steps")
    parser.add_argument("--num-workers", type=int, default=default.num_workers, help="processes that load images")
    accuracy = train(Settings(**vars(parser.parse_args())))
    print(f"Test accuracy: {accuracy:.1%} (guessing would give 10.0%)")


if __name__ == "__main__":  # the loader's worker processes may import this file again
    main()
