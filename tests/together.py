"""Work for several processes that train together, as `torchrun` would start them, but within a tenth of a second.

A server of `multiprocessing` imports torch and fivestep once and forks a process for each rank.
"""

import itertools
import multiprocessing
import os
import socket
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import chdir, suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch

from fivestep.ranks import Ranks, join_ranks, leave_ranks, shared_memory

TIMEOUT = 60.0
"""Seconds that the ranks of a test wait for each other at most; a test that comes to that has failed."""

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.together", "tests.warm"])


def forked(target: Callable[..., object], *arguments: Any) -> ForkServerProcess:
    """A process that will do that, in which everything is imported.

    The server is started where these tests are: elsewhere it would import what another library installs as `tests`.
    """
    with chdir(Path(__file__).parents[1]):
        forkserver.ensure_running()
    return CONTEXT.Process(target=target, args=arguments)


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What `torchrun` would tell a rank."""
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size), **where}


def as_between_machines(ranks: Ranks) -> Ranks:
    """The same ranks with no memory that they share, in a process that is the test's alone."""
    ranks.leave()
    shared_memory.is_possible = lambda: False
    return join_ranks(ranks._timeout)


_PLACES = itertools.count(os.getpid())


def free_port() -> int:
    """A port that nobody listens at, and that nobody else is given before it is taken.

    It is below those that the system gives to whoever asks for any, and each worker of pytest has its own thousand.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for place in _PLACES:
        port = 10_000 + 1000 * (worker % 20) + place % 1000
        with socket.socket() as listening, suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def together(work: Callable[..., Any], size: int, *arguments: Any, timeout: float = TIMEOUT) -> list[Any]:
    """What `work(ranks, *arguments)` returns on each rank, or the exception it raises there; None for one that died."""
    port = free_port()
    pipes, processes = [], []
    for rank in range(size):
        here, there = CONTEXT.Pipe(duplex=False)
        setting = environment(rank, size, port)
        process = forked(_one, there, setting, work, arguments, timeout)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    results = _received(pipes)
    for process in processes:
        process.join()
    return results


def _received(pipes: Sequence[Connection]) -> list[Any]:
    results: dict[Connection, Any] = dict.fromkeys(pipes)
    open_ones = list(pipes)
    while open_ones:
        said = wait(open_ones, 2 * TIMEOUT)
        assert said, "some ranks neither say something nor end"
        for pipe in said:
            with suppress(EOFError):
                results[pipe] = pipe.recv()  # type: ignore[union-attr, index]  # all of them are connections
            open_ones.remove(pipe)  # type: ignore[arg-type]
    return list(results.values())


def _one(
    pipe: Connection, setting: dict[str, str], work: Callable[..., Any], arguments: Sequence[Any], timeout: float
) -> None:
    os.environ.update(setting)
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    try:
        ranks: Ranks = join_ranks(timeout)
        result = work(ranks, *arguments)
    except Exception as error:
        error.add_note(traceback.format_exc())
        result = error
    pipe.send(result)
    pipe.close()
    leave_ranks()
