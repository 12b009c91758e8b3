"""Ctrl-C between two steps, and never inside one."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fivestep.machine.interrupt import deferred_interrupt
from tests.samples import ENGINES

LONG_RUN = """
import sys
from dataclasses import replace
import torch
from fivestep.train import train
from tests.samples import do_steps, small_engine, small_net, small_plan, three_classes

torch.set_num_threads(1)
name = sys.argv[1]
plan, spec, data = small_plan(optimizer="adam", epochs=1_000_000), small_net(dropout=0.2), three_classes()
engine, again = small_engine(name, plan, spec), small_engine(name, plan, spec)
try:
    list(train(engine, data, replace(plan, epochs=3)))
    print("training", flush=True)
    list(train(engine, data, plan, every=1_000_000))
except KeyboardInterrupt:
    epochs, left = divmod(engine.num_updates, 4)
    list(train(again, data, replace(plan, epochs=epochs), every=epochs))
    do_steps(again, data, plan, engine.num_updates - left + 1, engine.num_updates)
    print(engine.num_updates, torch.equal(engine.params.flat, again.params.flat), flush=True)
"""


@pytest.mark.parametrize("name", ENGINES)
def test_ctrl_c_stops_a_real_process_between_two_steps(name: str) -> None:
    """Its weights are those of an uninterrupted run of the same number of steps, to the bit."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, name],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    time.sleep(0.2)  # into the long run
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    num_updates, equal = output.split()
    assert int(num_updates) >= 12
    assert equal == "True"
    assert process.returncode == 0


def raises_at(stations: list[str]) -> str:
    """Where inside `deferred_interrupt` an exception comes: "press" is Ctrl-C, "term" is SIGTERM, "ask" takes them."""
    station = "the start"
    try:
        with deferred_interrupt() as interrupt:
            for station in stations:
                {
                    "press": lambda: signal.raise_signal(signal.SIGINT),
                    "term": lambda: signal.raise_signal(signal.SIGTERM),
                    "ask": interrupt.take,
                }[station]()
            station = "the end"
    except KeyboardInterrupt:
        return station
    except SystemExit as end:
        return f"{station} {end.code}"
    return "nowhere"


@pytest.mark.parametrize(
    ("stations", "where"),
    [
        ([], "nowhere"),
        (["ask", "ask"], "nowhere"),
        (["press", "ask"], "ask"),
        (["ask", "press"], "the end"),
        (["press", "press"], "press"),
        (["term", "ask"], "ask 143"),
        (["ask", "term"], "the end 143"),
        (["press", "term"], "term 143"),
    ],
    ids=str,
)
def test_an_interrupt_waits_until_it_is_asked_for_but_a_second_one_does_not(stations: list[str], where: str) -> None:
    assert raises_at(stations) == where


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_afterwards_the_old_handler_is_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with deferred_interrupt():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    ("number", "handler"), [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, lambda *_: None)], ids=["ignored", "own"]
)
def test_a_signal_that_is_ignored_or_has_a_handler_of_its_own_is_left_alone(
    number: signal.Signals, handler: Any
) -> None:
    before = signal.signal(number, handler)
    try:
        with deferred_interrupt() as interrupt:
            assert signal.getsignal(number) is handler
            signal.raise_signal(number)
            assert not interrupt.has_come
    finally:
        signal.signal(number, before)


def test_a_signal_that_a_program_around_python_handles_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Python runs inside of R: Python knows no handler, and could not put it back."""
    changed = []
    monkeypatch.setattr(signal, "getsignal", lambda _number: None)
    monkeypatch.setattr(signal, "signal", lambda *of: changed.append(of))
    with deferred_interrupt():
        pass
    assert changed == []


def test_outside_the_main_thread_nothing_changes() -> None:
    seen = []

    def work() -> None:
        with deferred_interrupt() as interrupt:
            interrupt.take()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
