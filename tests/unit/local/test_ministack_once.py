"""The emulator unpacks an archive once, and every worker finds the same files."""

import zipfile
from pathlib import Path

import pytest

from infra.local.ministack_once import MANY, extract_once, names_once


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def archive(folder: Path, name: str, files: int, word: str = "x") -> zipfile.ZipFile:
    """Return an archive of so many files, read from a copy of its own."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as made:
        for number in range(files):
            made.writestr(f"python/m{number}.py", f"{word} {number}")
    return zipfile.ZipFile(path)


def unpacked(folder: Path, source: zipfile.ZipFile, name: str) -> Path:
    into = folder / name
    into.mkdir()
    with source:
        extract_once(source, into)
    return into


def test_a_layer_is_unpacked_once_and_found_by_every_worker(folders: Path) -> None:
    first, second = (
        unpacked(folders, archive(folders, f"{one}.zip", MANY), one) for one in ("first", "second")
    )

    assert first.resolve() == second.resolve()
    assert (second / "python" / "m3.py").read_text() == "x 3"
    assert not (folders / "first.zip").exists()


def test_a_layer_of_other_files_is_another(folders: Path) -> None:
    first = unpacked(folders, archive(folders, "a.zip", MANY), "first")
    other = unpacked(folders, archive(folders, "b.zip", MANY, word="y"), "second")

    assert (first / "python" / "m3.py").read_text() == "x 3"
    assert (other / "python" / "m3.py").read_text() == "y 3"


def test_a_function_s_own_code_and_a_folder_that_holds_something_are_unpacked_as_ever(folders: Path) -> None:
    small = unpacked(folders, archive(folders, "a.zip", MANY - 1), "small")
    held = folders / "held"
    held.mkdir()
    (held / "mine.txt").write_text("kept")
    with archive(folders, "b.zip", MANY) as source:
        extract_once(source, held)

    assert not small.is_symlink()
    assert (small / "python" / "m3.py").exists()
    assert (held / "mine.txt").read_text() == "kept"
    assert (held / "python" / "m3.py").exists()


def test_the_names_of_a_layer_are_asked_for_until_it_is_kept_and_those_of_small_code_always(
    folders: Path,
) -> None:
    first, again, small = (
        archive(folders, f"{name}.zip", files) for name, files in (("a", MANY), ("b", MANY), ("c", MANY - 1))
    )

    assert names_once(first) == [f"python/m{number}.py" for number in range(MANY)]
    unpacked(folders, first, "first")
    unpacked(folders, small, "small")

    with again:
        assert names_once(again) == []
    with archive(folders, "other.zip", MANY, word="y") as other:
        assert len(names_once(other)) == MANY
    with archive(folders, "d.zip", MANY - 1) as smaller:
        assert len(names_once(smaller)) == MANY - 1
