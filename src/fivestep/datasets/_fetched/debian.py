"""The files of a Debian package, fetched and unpacked without root and without installing anything."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .._progress import waiting

TIMEOUT = 600.0
"""The timeout of one program in seconds: 30 MB over a slow connection."""

PATIENCE = ("Acquire::Retries=1", "Acquire::http::Timeout=15", "Acquire::https::Timeout=15")
"""apt-get's own settings for servers that do not answer; without them it waits for minutes."""


def unpack_package(package: str, folder: Path) -> Path:
    """Downloads `package` with the system's own sources and keys, and gives the folder that stands for `/` in it.

    apt-get works on lists and a cache of its own in `folder`, which should be a temporary one: the system's need root
    to be written, and may be old. Raises an `OSError` with the reason if there is no apt-get, or it finds no such
    package.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise OSError(f"Debian package {package}: {program} is missing")
    for private in ("lists/partial", "cache/archives/partial"):  # apt-get does not make the inner folders itself
        (folder / private).mkdir(parents=True)
    settings = (f"Dir::State::Lists={folder / 'lists'}", f"Dir::Cache={folder / 'cache'}", *PATIENCE)
    options = [f"--option={setting}" for setting in settings]
    with waiting(f"Fetching the Debian package {package} ..."):
        _run(["apt-get", *options, "update"], folder, check=False)  # one broken source among several does not matter
        _run(["apt-get", *options, "download", package], folder)
        archives = [str(path) for path in folder.glob(f"{package}_*.deb")]
        if not archives:
            raise OSError(f"Debian package {package}: apt-get has no archive of it")
        _run(["dpkg-deb", "-x", archives[0], str(folder / "root")], folder)
    return folder / "root"


def _run(command: Sequence[str], folder: Path, check: bool = True) -> None:
    """Runs a program quietly; its last line of complaint is the reason in the `OSError`."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{command[0]} took longer than {TIMEOUT:.0f} s") from None
    if check and done.returncode != 0:
        complaint = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise OSError(f"{command[0]}: {complaint}")
