"""What the tests of the data sets share: a cache of their own, a server, a small set of files."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fivestep.datasets._fetched import fetch as fetching
from fivestep.datasets._fetched.fetch import FileSet
from tests.datasets.server import Site, serving
from tests.datasets.small import CONTENTS


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that holds the files, compressed."""
    monkeypatch.setenv("no_proxy", "*")
    with serving() as site:
        site.pages = {f"/{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
        yield site


@pytest.fixture
def files(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileSet:
    """A set of two small files, a cache that is empty, and a Debian package that nobody has."""
    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "unpack_package", no_package)
    return FileSet(
        name="small",
        digests={name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()},
        site=site.address,
        package="dataset-small",
        package_folder=tmp_path / "system",
    )


def no_package(package: str, _folder: Path) -> Path:
    raise OSError(f"Debian package {package}: apt-get is missing")
