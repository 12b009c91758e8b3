"""Two hosts, shown as two network namespaces on one machine, with a cable between them that is pulled and put back."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.processes import PATIENCE, last_step, slow, until
from tests.tolerances import RANKS_LONG, distance

HOSTS = {"a": "10.99.71.1", "b": "10.99.71.2"}
TRAIN = ["train", "digits", "--dtype", "float64", "--hidden", "32", "--epochs", "8", "--every", "4", "--out", "run"]
STEP = 100
"""In the middle of the run, from which on it takes its time."""
RENDEZVOUS = ["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-id", "run"]
OURS = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.slow


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def name_of(host: str) -> str:
    return f"fs{os.getpid() % 100_000}{host}"


@pytest.fixture
def cable() -> Iterator[tuple[str, ...]]:
    """The words with which one end of the cable is taken hold of; the hosts are gone at the end."""
    if shutil.which("ip") is None:
        pytest.skip("needs iproute2 (apt-get install iproute2)")
    try:
        for host in HOSTS:
            ip("netns", "add", name_of(host))
        ip("link", "add", name_of("a"), "type", "veth", "peer", "name", name_of("b"))
        for host, address in HOSTS.items():
            ip("link", "set", name_of(host), "netns", name_of(host))
            ip("-n", name_of(host), "addr", "add", f"{address}/24", "dev", name_of(host))
            ip("-n", name_of(host), "link", "set", name_of(host), "up")
            ip("-n", name_of(host), "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        _remove_hosts()
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.strip()}")
    yield ("-n", name_of("a"), "link", "set", name_of("a"))
    _remove_hosts()


def _remove_hosts() -> None:
    for host in HOSTS:
        with suppress(subprocess.CalledProcessError):
            ip("netns", "del", name_of(host))


def started(host: str, folder: Path) -> subprocess.Popen[str]:
    """`torchrun` on one of the hosts, which have a memory of their own but share the folder, as over NFS."""
    is_host = f"is_host={int(host == 'a')}"  # both have the same name, by which torchrun would tell them apart
    where = ["--rdzv-endpoint", f"{HOSTS['a']}:29471", "--rdzv-conf", is_host, "--local-addr", HOSTS[host]]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *RENDEZVOUS, *where, "--max-restarts", "5"]
    command = [*torchrun, "train.py", *TRAIN, "--rank-timeout", "3"]
    with (folder / f"output of {host}").open("w") as output:
        return subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                name_of(host),
                "sh",
                "-c",
                'mount -t tmpfs tmpfs /dev/shm && exec "$@"',
                "-",
                *command,
            ],
            cwd=folder,
            env=OURS | {"GLOO_SOCKET_IFNAME": name_of(host)},
            stdout=output,
            stderr=output,
            text=True,
        )


SILENCE = "all ranks must send a heartbeat every 3 s, got none from rank"


def test_a_cable_that_is_pulled_and_put_back_changes_no_number(cable: tuple[str, ...], tmp_path: Path) -> None:
    """Shorter than the timeout, it only makes all wait; longer, the ranks end, are started again, and go on."""
    (tmp_path / "train.py").write_text(slow(STEP))
    run, outputs = tmp_path / "run", [tmp_path / f"output of {host}" for host in HOSTS]
    hosts = [started(host, tmp_path) for host in HOSTS]
    try:
        until(lambda: last_step(run) >= STEP, hosts[0])
        ip(*cable, "down")
        time.sleep(1)
        ip(*cable, "up")
        pulled_at = last_step(run)
        until(lambda: last_step(run) > pulled_at + 1, hosts[0])
        ip(*cable, "down")
        until(lambda: any(SILENCE in output.read_text() for output in outputs), hosts[0])
        ip(*cable, "up")
        codes = [host.wait(PATIENCE) for host in hosts]
    finally:
        for host in hosts:
            host.kill()
            host.wait()
    shown = "".join(output.read_text() for output in outputs)
    assert codes == [0, 0], shown
    assert shown.count("Going on after step") >= 1
    assert shown.count("The run is in run") == 1
    alone = [sys.executable, "-m", "fivestep", *TRAIN[:-1], "alone"]
    subprocess.run(alone, cwd=tmp_path, env=OURS, check=True, capture_output=True)
    ours, theirs = (load_file(tmp_path / run / "model.safetensors") for run in ("run", "alone"))
    assert max(distance(ours[name], theirs[name]) for name in theirs) <= RANKS_LONG
