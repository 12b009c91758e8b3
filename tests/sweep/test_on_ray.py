"""A sweep on a Ray cluster of this machine."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fivestep.check import InputError
from fivestep.find import find
from fivestep.sweep import Candidates, Space, start
from fivestep.sweep.on_ray import train_on_ray
from tests.sweep.sweeps import DATA, HOW, PLAN, SPACE, remains, swept, trials

candidates_of_the_sample = Candidates(
    DATA, lambda settings: find("recipes", "plain")().prepare("mlp", {**vars(PLAN), **settings}), {"model": "mlp"}
)


@pytest.fixture
def _no_warnings_of_ray() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # ray's own
@pytest.mark.usefixtures("_no_warnings_of_ray")
def test_workers_of_a_cluster_share_the_networks(tmp_path: Path) -> None:
    """The networks are those of a sweep in one process; their settings are drawn at random, so from nothing else."""
    pytest.importorskip("ray", reason="ray is not installed (pip install 'fivestep[ray]')")
    how = replace(HOW, halving=None, sampler="random", fleet=3)
    expected = swept(tmp_path / "here", how)
    found = start(candidates_of_the_sample, Space.of(SPACE), how, tmp_path / "there")
    standings = list(train_on_ray(found, "local"))
    assert standings[-1].num_over == 24
    assert [one[:4] for one in remains(found)] == [one[:4] for one in remains(expected)]
    kept = [one.network for one in trials(found) if one.state != "lost"]  # Ray may end a worker, and start it again
    assert sorted(kept) == [*range(24)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # ray's own
def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed (pip install 'fivestep[ray]')")
    found = start(candidates_of_the_sample, Space.of(SPACE), HOW, tmp_path / "a")
    with pytest.raises(
        InputError, match=r"cluster that can be reached, got '127.0.0.1:1' \(.*refused\); start one with"
    ):
        next(train_on_ray(found, "127.0.0.1:1"))


def test_without_ray_the_command_to_install_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    found = start(candidates_of_the_sample, Space.of(SPACE), HOW, tmp_path / "a")
    with pytest.raises(InputError, match=r"got no module named ray; run: pip install 'fivestep\[ray\]'"):
        next(train_on_ray(found, "local"))
