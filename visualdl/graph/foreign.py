"""What a file that is no model we read looks like, so that the error can say what to do. Opens nothing."""

from __future__ import annotations

_EXPORT = "export it with torch.onnx.export(model, inputs, 'model.onnx') and give that file"
_CONVERT = "convert it to ONNX and give that file"

# What the file starts with -> what it is, and what to do
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n", "an HDF5 file (Keras weights?)", _CONVERT),
    (b"GGUF", "a GGUF file (weights without a graph)", "give an ONNX file of the model"),
    (b"\x93NUMPY", "a NumPy array", "give an ONNX file of the model"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ", "an xz file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first"),
    (b"\x89PNG", "a PNG image", "give an ONNX file of the model"),
    (b"\xff\xd8\xff", "a JPEG image", "give an ONNX file of the model"),
    (b"%PDF", "a PDF document", "give an ONNX file of the model"),
    (b"\x7fELF", "a compiled program or library", "give an ONNX file of the model"),
    (b"MZ", "a compiled program or library", "give an ONNX file of the model"),
    (b"VLF1", "a VisualDL log", "give its folder as --logdir"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with `git lfs pull`"),
)


def looks_like(head: bytes) -> str | None:
    """A sentence about a file that starts with `head` (some 4 KiB of it), None when it looks like nothing we know."""
    if not head:
        return "the file is empty"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(head)
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return (
            "it looks like a pickle, perhaps an older PyTorch checkpoint; a pickle is a program and is never opened: "
            + _EXPORT
        )
    if head[4:8] == b"TFL3":
        return f"it looks like a TensorFlow Lite model: {_CONVERT}"
    if len(head) > 9 and head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 32:
        return "it looks like a safetensors file, which holds weights but no graph: " + _EXPORT
    if head[257:262] == b"ustar":
        return "it looks like a tar archive: unpack it first"
    for start, what, do in _STARTS:
        if head.startswith(start):
            return f"it looks like {what}: {do}"
    return _text(head)


def _zip(head: bytes) -> str:
    if b"constants.pkl" in head or b"/code/" in head:
        return f"it looks like a TorchScript archive (torch.jit.save): {_EXPORT}"
    if b"data.pkl" in head or b"/.format_version" in head or b"/byteorder" in head:
        return f"it looks like a PyTorch checkpoint (torch.save): {_EXPORT}"
    if b"archive_format" in head or b"models/model.json" in head:
        return f"it looks like a PyTorch exported program (torch.export.save): {_EXPORT}"
    if b"config.json" in head:
        return f"it looks like a Keras model: {_CONVERT}"
    return "it looks like a zip archive: unpack it first"


def _text(head: bytes) -> str | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64]
    if start.lower().startswith((b"<!doctype html", b"<html")):
        return "it looks like a web page, perhaps the error page of a download: fetch the file again"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not just a character cut by the end of `head`
            return None
        text = head[: error.start].decode("utf-8")
    if all(character.isprintable() or character in "\t\r\n" for character in text):
        return "it looks like text: give the binary .onnx file"
    return None
