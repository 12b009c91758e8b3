"""A sweep on a Ray cluster: as many workers as fit, each doing what any process of a sweep does.

They share only the sweep's storage. On several machines that is a database's URL, or a file in a shared folder. Ray
restarts a worker that was killed; the network that it was training is tried again as in any sweep.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..check import InputError
from .sweeping import Status, Sweep

LOCAL = "local"
"""The address for a cluster on this machine only, started for the sweep."""


def train_on_ray(sweep: Sweep, address: str) -> Iterator[Status]:
    """Trains the networks on the cluster at `address`, and yields the status of the sweep about twice a second.

    Each worker takes one processor for each network that it trains at a time (`num_threads`, here one if it is None).
    Raises an `InputError` where Ray is not installed or the cluster cannot be reached.
    """
    ray = _connected(address)
    try:
        at_a_time = sweep.how.num_threads or 1
        num_workers = max(1, int(ray.cluster_resources().get("CPU", 1) // at_a_time))
        own = replace(sweep, path=sweep.path.resolve(), how=replace(sweep.how, num_threads=at_a_time))
        own.storage = sweep.storage.resolve() if isinstance(sweep.storage, Path) else sweep.storage
        shared, task = ray.put(own), ray.remote(_work).options(num_cpus=at_a_time, max_retries=-1)
        left = [task.remote(shared) for _ in range(num_workers)]
        try:
            while left:
                done, left = ray.wait(left, timeout=0.5)
                yield sweep.watch()
                ray.get(done)
        finally:
            for one in left:
                with suppress(Exception):  # it may have ended already
                    ray.cancel(one)
        sweep.write_table()
    finally:
        ray.shutdown()


def _work(sweep: Sweep) -> None:
    """The work of one worker."""
    for _ in sweep.train():
        pass


def _connected(address: str) -> Any:
    try:
        import ray
    except ImportError:
        raise InputError(
            "--ray must be used where Ray is installed, got no module named ray; run: pip install 'fivestep[ray]'."
        ) from None
    options = {"include_dashboard": False} if address == LOCAL else {"address": address}
    try:
        _check_reachable(address)
        ray.init(log_to_driver=False, logging_level="error", **options)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"--ray must be local, or the address of a cluster that can be reached, got {address!r} ({reason}); start "
            f"one with: ray start --head"
        ) from error
    return ray


def _check_reachable(address: str) -> None:
    """Raises an `OSError` if nothing listens at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()
