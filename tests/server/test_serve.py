"""Where a board listens, and what it makes of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from visualdl.server.serve import Listening, listen, own_names, url


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """A board on `example.test`: every address when it is bound, this machine alone when it is asked for again."""
    answers = iter(["0.0.0.0"])

    def resolved(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers, "127.0.0.1"), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    listening = listen("example.test", 0)
    yield listening
    listening.socket.close()


def test_who_can_reach_a_board_is_told_by_its_socket_and_not_by_a_name(changing: Listening) -> None:
    assert not changing.only_here
    assert socket.gethostname().lower() in own_names(changing)
    assert "example.test" not in url(changing, "token")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_a_board_on_the_loopback_is_for_this_machine_alone(host: str) -> None:
    listening = listen(host, 0)
    try:
        assert listening.only_here
        assert own_names(listening) <= {"localhost"}
        assert url(listening, None) == f"http://{host}:{listening.port}/"
    finally:
        listening.socket.close()
