"""Where the files of a data set are found, in which order, and what happens to damaged ones."""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fivestep.check import InputError
from fivestep.datasets._fetched import fetch as fetching
from fivestep.datasets._fetched.fetch import FileSet, fetch
from tests.datasets.server import Site
from tests.datasets.small import CONTENTS, write_files


@pytest.mark.parametrize("compressed", [True, False])
def test_files_are_taken_from_data_dir_first(files: FileSet, site: Site, tmp_path: Path, compressed: bool):
    assert fetch(files, write_files(tmp_path / "mine", compressed)) == CONTENTS
    assert site.requests == []
    assert not files.cache.exists()


def test_files_are_taken_from_the_cache_before_the_system(files: FileSet, site: Site):
    write_files(files.cache, compressed=False)
    files.package_folder.mkdir()
    (files.package_folder / "images.gz").write_bytes(b"damaged")
    assert fetch(files, None) == CONTENTS
    assert site.requests == []


def test_files_are_taken_from_the_system_before_the_site(files: FileSet, site: Site):
    write_files(files.package_folder)
    assert fetch(files, None) == CONTENTS
    assert site.requests == []


def test_files_are_downloaded_once_and_kept_uncompressed(files: FileSet, site: Site):
    assert fetch(files, None) == CONTENTS
    assert fetch(files, None) == CONTENTS
    assert [path for path, _ in site.requests] == ["/images.gz", "/labels.gz"]
    assert {path.name: path.read_bytes() for path in files.cache.iterdir() if path.name != ".lock"} == CONTENTS


def test_only_missing_files_are_downloaded(files: FileSet, site: Site, tmp_path: Path):
    folder = write_files(tmp_path / "mine")
    (folder / "images.gz").unlink()
    assert fetch(files, folder) == CONTENTS
    assert [path for path, _ in site.requests] == ["/images.gz"]


def test_the_content_can_be_written_to(files: FileSet, tmp_path: Path):
    content = fetch(files, write_files(tmp_path / "mine"))["images"]
    content[0] = 1
    assert content[0] == 1


@pytest.mark.parametrize("damage", [b"", b"x", CONTENTS["images"][:-1], CONTENTS["images"] + b"x"])
def test_damaged_cached_file_is_fetched_anew(files: FileSet, site: Site, damage: bytes):
    write_files(files.cache, compressed=False)
    (files.cache / "images").write_bytes(damage)
    assert fetch(files, None) == CONTENTS
    assert [path for path, _ in site.requests] == ["/images.gz"]
    assert (files.cache / "images").read_bytes() == CONTENTS["images"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"x", b"\x1f\x8b", gzip.compress(CONTENTS["images"])[:-9], gzip.compress(b"another file")],
    ids=["empty", "one byte", "a head alone", "cut off", "another file"],  # gzip's bytes hold the time of day
)
def test_damaged_file_in_data_dir_is_refused_by_name(files: FileSet, tmp_path: Path, damage: bytes):
    folder = write_files(tmp_path / "mine")
    (folder / "images.gz").write_bytes(damage)
    with pytest.raises(InputError, match=r"mine/images\.gz must be the images of small, got a file that is damaged"):
        fetch(files, folder)


def test_data_dir_that_is_no_folder_is_refused(files: FileSet, tmp_path: Path):
    with pytest.raises(InputError, match=r"data_dir must be a folder, got '.*nowhere'"):
        fetch(files, tmp_path / "nowhere")


def test_data_dir_without_the_files_warns_and_the_search_goes_on(files: FileSet, tmp_path: Path):
    with pytest.warns(UserWarning, match="data_dir holds no file of small"):
        contents = fetch(files, tmp_path)
    assert contents == CONTENTS


def test_interrupted_download_is_resumed(files: FileSet, site: Site):
    half = len(site.pages["/images.gz"]) // 2
    files.cache.mkdir(parents=True)
    (files.cache / "images.gz.part").write_bytes(site.pages["/images.gz"][:half])
    assert fetch(files, None) == CONTENTS
    assert site.requests == [("/images.gz", f"bytes={half}-"), ("/labels.gz", None)]


@pytest.mark.parametrize("length", [1, 60, 5000])
def test_interrupted_download_with_wrong_bytes_is_fetched_again(files: FileSet, site: Site, length: int):
    files.cache.mkdir(parents=True)
    (files.cache / "images.gz.part").write_bytes(b"x" * length)
    assert fetch(files, None) == CONTENTS
    assert site.requests[:2] == [("/images.gz", f"bytes={length}-"), ("/images.gz", None)]


def test_broken_connection_is_taken_up_again(files: FileSet, site: Site):
    site.cut_after = 30
    assert fetch(files, None) == CONTENTS


def test_two_at_once_download_each_file_once(files: FileSet, site: Site):
    with ThreadPoolExecutor(2) as pool:
        contents = list(pool.map(lambda _: fetch(files, None), range(2)))
    assert contents == [CONTENTS, CONTENTS]
    assert sorted(path for path, _ in site.requests) == ["/images.gz", "/labels.gz"]


def test_package_is_taken_where_the_site_is_down(files: FileSet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "unpack_package", unpacked(files, write_files))
    assert fetch(replace(files, site="http://127.0.0.1:9"), None) == CONTENTS
    assert sorted(path.name for path in files.cache.iterdir()) == [".lock", "images", "labels"]


def test_package_is_taken_where_the_site_has_other_bytes(files: FileSet, site: Site, monkeypatch: pytest.MonkeyPatch):
    site.pages["/labels.gz"] = b"<html>please log in</html>"
    monkeypatch.setattr(fetching, "unpack_package", unpacked(files, write_files))
    assert fetch(files, None) == CONTENTS


def test_package_without_the_file_is_said(files: FileSet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "unpack_package", unpacked(files, lambda _: None))
    with pytest.raises(InputError, match="Debian package dataset-small: its images is missing, damaged or another"):
        fetch(replace(files, site="http://127.0.0.1:9"), None)


def test_damaged_download_is_refused_by_name_and_not_kept(files: FileSet, site: Site):
    site.pages["/images.gz"] = gzip.compress(b"something else")
    with pytest.raises(InputError, match=f"{site.address}/images.gz: the download is damaged or another file"):
        fetch(files, None)
    assert [path.name for path in files.cache.iterdir()] == [".lock"]


def test_truncated_download_is_kept_for_the_next_attempt(files: FileSet, site: Site):
    site.cut_after, site.ranges = 30, False
    with pytest.raises(InputError, match=r"images\.gz: the connection broke off"):
        fetch(files, None)
    site.cut_after, site.ranges = None, True
    site.requests.clear()
    assert fetch(files, None) == CONTENTS
    assert site.requests[0] == ("/images.gz", "bytes=30-")


def test_one_sentence_names_the_ways_when_nothing_works(files: FileSet):
    with pytest.raises(InputError) as caught:
        fetch(replace(files, site="http://127.0.0.1:9"), None)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith("small must come from a folder, the cache, its site or its Debian package, got none")
    assert "http://127.0.0.1:9/images.gz: [Errno" in sentence
    assert "apt-get is missing" in sentence
    assert sentence.endswith(
        "go online, install the package dataset-small, or put images.gz, labels.gz into a folder "
        "and name it as data_dir (--data-dir)."
    )


def test_cache_that_cannot_be_written_is_refused(files: FileSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"the cache must be a folder that can be written, .*set FIVESTEP_CACHE"):
        fetch(files, None)


def test_cache_is_where_the_system_wants_it(files: FileSet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FIVESTEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert files.cache.parts[-2:] == ("fivestep", "small")


def unpacked(files: FileSet, write: Callable[[Path], object]) -> Callable[[str, Path], Path]:
    """A package whose folder is filled by `write`."""

    def unpack(_package: str, folder: Path) -> Path:
        write(folder / "root" / files.package_folder.relative_to("/"))
        return folder / "root"

    return unpack
