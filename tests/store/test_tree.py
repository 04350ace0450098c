"""Finding the folders of runs, on a real disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from visualdl.store import tree as module
from visualdl.store.tree import Found, Identity, Tree


def match(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name.endswith(".log"))


def scanned(tree: Tree) -> list[Found]:
    return [found for found in tree.scan() if found is not None]


def below(root: Path, *, known: dict[Identity, str] | None = None) -> Tree:
    return Tree(str(root), match, {} if known is None else known)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def relative(root: Path, found: list[Found]) -> list[tuple[str, tuple[str, ...]]]:
    return [(os.path.relpath(one.path, root), one.names) for one in found]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders changed just now are not listed again for that reason alone."""
    monkeypatch.setattr(module, "_DOUBTFUL_NS", -(10**12))


def test_folders_at_any_depth_are_found_and_what_is_no_log_is_passed_over(tmp_path: Path) -> None:
    deep = Path(*"abcdefghij" * 5)
    for name in ("one.log", "sub/two.log", "sub/notes.txt", "empty/.keep", str(deep / "three.log")):
        write(tmp_path / name)
    assert relative(tmp_path, scanned(below(tmp_path))) == [
        (".", ("one.log",)),
        ("sub", ("two.log",)),
        (str(deep), ("three.log",)),
    ]


def test_only_what_changed_is_told_afterwards(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.log")
    tree = below(tmp_path)
    assert len(scanned(tree)) == 1
    assert scanned(tree) == []
    write(tmp_path / "a" / "two.log")
    write(tmp_path / "b" / "c" / "three.log")
    assert relative(tmp_path, scanned(tree)) == [("a", ("one.log", "two.log")), ("b/c", ("three.log",))]


def test_a_root_that_appears_later_is_found_then(tmp_path: Path) -> None:
    tree = below(tmp_path / "later")
    assert scanned(tree) == []
    write(tmp_path / "later" / "one.log")
    assert relative(tmp_path, scanned(tree)) == [("later", ("one.log",))]


def test_a_root_that_is_a_file_holds_nothing_until_it_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "root")
    tree = below(tmp_path / "root")
    assert scanned(tree) == []
    (tmp_path / "root").unlink()
    write(tmp_path / "root" / "one.log")
    assert len(scanned(tree)) == 1


def test_a_folder_that_is_gone_is_told_with_no_names_and_can_come_back(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "one.log")
    tree = below(tmp_path)
    scanned(tree)
    shutil.rmtree(tmp_path / "a")
    assert relative(tmp_path, scanned(tree)) == [("a/b", ())]
    write(tmp_path / "a" / "b" / "two.log")
    found = scanned(tree) + scanned(tree)
    assert relative(tmp_path, found) == [("a/b", ("two.log",))]


@pytest.mark.usefixtures("settled")
def test_a_folder_that_moved_is_found_though_another_took_its_place_at_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.log")
    tree = below(tmp_path)
    scanned(tree)
    (tmp_path / "a").rename(tmp_path / "c")
    write(tmp_path / "a" / "two.log")
    os.utime(tmp_path / "a", ns=((tmp_path / "c").stat().st_mtime_ns,) * 2)
    assert relative(tmp_path, scanned(tree)) == [("a", ("two.log",)), ("c", ("one.log",))]
    shutil.rmtree(tmp_path / "a")
    assert relative(tmp_path, scanned(tree)) == [("a", ())]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.log")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "nowhere").symlink_to(tmp_path / "not there")
    assert relative(tmp_path, scanned(below(tmp_path))) == [("a", ("one.log",))]


def test_a_link_to_a_run_in_the_tree_does_not_hide_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "z" / "deep" / "run" / "one.log")
    (tmp_path / "latest").symlink_to(tmp_path / "z" / "deep" / "run")
    assert relative(tmp_path, scanned(below(tmp_path))) == [("z/deep/run", ("one.log",))]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "x" / "one.log")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert relative(tmp_path / "root", scanned(below(tmp_path / "root"))) == [("link/x", ("one.log",))]


def test_a_folder_below_two_roots_is_found_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.log")
    known: dict[Identity, str] = {}
    outer, inner = below(tmp_path, known=known), below(tmp_path / "a", known=known)
    assert len(scanned(outer)) == 1
    assert scanned(inner) == []


def test_a_folder_that_cannot_be_listed_is_passed_over_and_found_when_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a" / "one.log")
    write(tmp_path / "b" / "two.log")
    closed = {str(tmp_path / "a")}
    scandir = os.scandir

    def guarded(path: str) -> object:  # a mode of 000 does not stop root, who runs some of these tests
        if path in closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    tree = below(tmp_path)
    assert relative(tmp_path, scanned(tree)) == [("b", ("two.log",))]
    closed.clear()
    assert relative(tmp_path, scanned(tree)) == [("a", ("one.log",))]


@pytest.mark.usefixtures("settled")
def test_an_unchanged_folder_is_listed_only_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(20):
        write(tmp_path / f"r{i}" / "one.log")
    listed: list[str] = []
    scandir = os.scandir

    def counting(path: str) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    tree = below(tmp_path)
    assert len(scanned(tree)) == 20
    listed.clear()
    for _ in range(21):
        assert scanned(tree) == []
    assert sorted(listed) == sorted([str(tmp_path), *(str(tmp_path / f"r{i}") for i in range(20))])


@pytest.mark.usefixtures("settled")
def test_a_file_system_that_keeps_no_times_of_folders_is_still_followed(tmp_path: Path) -> None:
    write(tmp_path / "one.log")
    times = os.stat(tmp_path)
    tree = below(tmp_path)
    scanned(tree)
    write(tmp_path / "two.log")
    os.utime(tmp_path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert relative(tmp_path, scanned(tree)) == [(".", ("one.log", "two.log"))]
