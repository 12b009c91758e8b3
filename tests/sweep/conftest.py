"""A PostgreSQL server for the tests, where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server that listens on a socket in a folder of its own; not as root, which it refuses."""
    programs = [*Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), *map(Path, filter(None, [shutil.which("pg_ctl")]))]
    if not programs:
        pytest.skip("no PostgreSQL server on this machine (apt-get install postgresql)")
    pytest.importorskip("psycopg2", reason="no driver for PostgreSQL (pip install psycopg2-binary)")
    control = programs[0].resolve()
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:  # a socket's path must be short
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"

        def run(program: str, *options: str) -> None:
            command = [control.with_name(program), "-D", data, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)

        run("initdb", "-A", "trust", "-U", "sweep")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        run("pg_ctl", "-w", "-t", "600", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql+psycopg2://sweep@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
