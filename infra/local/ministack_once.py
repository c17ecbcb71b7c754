"""The emulator, told to unpack an archive once and to read YAML in C: a program of its own, run by the stack's Python.

MiniStack unpacks both layers, 2,000 files of 55 MB, for each worker of each function, after a look at where each name
would lead, and spends most of its time on it. Here the first worker's files are kept, and every later worker is led to
them by a link: no name of theirs is looked at again. Nobody writes to them. It reads the template several times, each
time for most of a second where PyYAML's own reader does it.
"""

import runpy
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Never

MANY = 20
"""A function's own code is a file or two: that is not worth a link."""

_unpack = zipfile.ZipFile.extractall
_names = zipfile.ZipFile.namelist
_one_at_a_time = threading.Lock()


def extract_once(archive: zipfile.ZipFile, path: Path | str | None = None, *rest: Never) -> None:
    """Unpack an archive, or lead an empty folder to where the same files are already."""
    files = archive.infolist()
    if path is None or len(files) < MANY or any(Path(path).iterdir()):
        _unpack(archive, path, *rest)
        return
    with _one_at_a_time:
        kept = _kept(files)
        if not kept.exists():
            half = Path(tempfile.mkdtemp(prefix="unpacking-"))
            _unpack(archive, half)
            half.rename(kept)
    Path(path).rmdir()
    Path(path).symlink_to(kept, target_is_directory=True)
    # the emulator's own copy, made for this and never read again
    Path(str(archive.filename)).unlink()


def names_once(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the files that are still to be unpacked: none, if these files are kept already."""
    files = archive.infolist()
    return _names(archive) if len(files) < MANY or not _kept(files).exists() else []


def _kept(files: Iterable[zipfile.ZipInfo]) -> Path:
    told = "\n".join(f"{one.filename} {one.CRC} {one.file_size}" for one in files)
    return Path(tempfile.gettempdir()) / f"unpacked-{sha256(told.encode()).hexdigest()[:16]}"


if __name__ == "__main__":
    # this folder's modules are not the emulator's
    sys.path.pop(0)
    zipfile.ZipFile.extractall = extract_once  # type: ignore[assignment,method-assign]
    zipfile.ZipFile.namelist = names_once  # type: ignore[assignment,method-assign]
    import yaml

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
