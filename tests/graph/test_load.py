"""What is no model says what it looks like, and what to do."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from tests.graph import wire
from visualdl.errors import UnreadableModel
from visualdl.graph import load


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableModel) as caught:
        load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_checkpoints_of_torch_say_how_to_export(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "model.pt")
    assert "torch.onnx.export" in refusal(tmp_path / "model.pt")
    assert "torch.save" in refusal(tmp_path / "model.pt")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert "never opened" in refusal(tmp_path / "old.pt")


def test_a_pickle_is_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "bomb.pt").write_bytes(pickle.dumps(Bomb()))
    assert "pickle" in refusal(tmp_path / "bomb.pt")
    assert not (tmp_path / "ran").exists()


def packed_zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


def packed_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("m"), io.BytesIO())
    return out.getvalue()


HEADER = json.dumps({"w": {"dtype": "F32"}}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (packed_zip("m/code/net.py", "m/constants.pkl"), "TorchScript"),
        (packed_zip("config.json"), "Keras"),
        (packed_zip("readme"), "zip archive"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x1c\0\0\0TFL3....", "TensorFlow Lite"),
        (len(HEADER).to_bytes(8, "little") + HEADER, "safetensors"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (gzip.compress(b"x"), "gzip"),
        (packed_tar(), "tar archive"),
        (b"VLF1....", "--logdir"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"  <!DOCTYPE html><title>404</title>", "web page"),
        ("说明：这不是模型\n".encode() * 300, "text"),
        (b"\x0a\x02ab", "no ONNX graph"),
        (wire.number(1, 9) + wire.block(7, b""), "empty"),
        (bytes(range(200, 256)) * 30, "Wanted an ONNX file"),
    ],
)
def test_other_files_say_what_they_are(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    assert said in refusal(tmp_path / "model.onnx")


def test_a_folder_a_missing_file_and_a_device_are_no_models(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "none.onnx")
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(tmp_path / "pipe")


def test_a_file_named_by_text_or_path_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(wire.model(wire.node("Relu", ["x"], ["y"])))
    assert load(str(path)) == load(path)
