"""The guard's reading of a `Host` header, and its tokens. Who may ask is tried on a real server in attacks/."""

from __future__ import annotations

import pytest

from visualdl.server.guard import host_name, new_token


def test_tokens_are_long_and_never_the_same() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) == 43


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("A.b:80", "a.b"),
        ("[::1]", "::1"),
        ("x.", "x"),
        ("a b", None),
        ("", None),
        (".", None),
        ("a/b", None),
        ("[x]", None),
    ],
)
def test_a_host_header_is_read_strictly(host: str, name: str | None) -> None:
    assert host_name(host) == name
