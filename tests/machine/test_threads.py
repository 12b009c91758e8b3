"""One thread for work that is too small to share, and how many processors there are for what is not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fivestep.machine import threads
from fivestep.machine.threads import num_processors, shares_of_groups, threads_for
from fivestep.net import MLP, NetSpec
from tests.samples import small_engine


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_inside(spec: NetSpec, num_rows: int) -> int:
    with threads_for(small_engine("scratch", spec=spec), num_rows):
        return torch.get_num_threads()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("spec", "num_rows", "threads"),
    [(MLP(2, 8, 1), 200, 1), (MLP(784, 256, 10), 256, 2), (MLP(784, 256, 10), 1, 1), (MLP(2, 8, 1), 100_000, 2)],
    ids=str,
)
def test_small_work_runs_on_one_thread_and_large_work_on_all(spec: NetSpec, num_rows: int, threads: int) -> None:
    assert threads_inside(spec, num_rows) == threads
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_the_threads_are_put_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), threads_for(small_engine("scratch"), 1):
        _ = 1 / 0
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is kept to some processors")
def test_processors_that_a_process_may_not_run_on_do_not_count() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from fivestep.machine.threads import num_processors; print(num_processors())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ})
    assert done.stdout == "1\n"
    assert 1 <= num_processors() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("own", "above", "expected"),
    [
        ("200000 100000", "max 100000", [2]),
        ("max 100000", "350000 100000", [3]),
        ("50000 100000", "800000 100000", [0, 8]),
        ("max 100000", "max 100000", []),
        ("nonsense", "", []),
    ],
)
def test_the_share_of_a_container_is_read_with_those_above_it(
    own: str, above: str, expected: list[int], tmp_path: Path
) -> None:
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "pod" / "container").mkdir(parents=True)
    membership.write_text("0::/pod/container\n")
    (root / "pod" / "container" / "cpu.max").write_text(own)
    (root / "pod" / "cpu.max").write_text(above)
    assert shares_of_groups(membership, root) == expected


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(("quota", "expected"), [("250000", [2]), ("-1", [])])
@pytest.mark.parametrize("group", ["pod", "docker/0a1b"], ids=["as outside", "as a container sees its own"])
def test_the_share_of_an_older_host_s_container_is_read(
    folder: str, quota: str, expected: list[int], group: str, tmp_path: Path
) -> None:
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    own = root / folder / ("pod" if group == "pod" else "")
    own.mkdir(parents=True)
    membership.write_text(f"5:memory:/{group}\n4:cpu,cpuacct:/{group}\n1:name=systemd:/{group}\n")
    (own / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (own / "cpu.cfs_period_us").write_text("100000\n")
    assert shares_of_groups(membership, root) == expected


def test_a_system_without_control_groups_has_no_shares(tmp_path: Path) -> None:
    assert shares_of_groups(tmp_path / "nothing", tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says where a thread is")
def test_each_thread_begins_on_a_core_of_its_own_and_need_not_stay() -> None:
    allowed = os.sched_getaffinity(0)
    cores = threads.cores_apart(len(allowed))
    assert sorted(cores) == sorted(allowed)
    assert threads.cores_apart(len(allowed) + 1) == []
    threads.move_to(cores[-1])
    assert os.sched_getaffinity(0) == allowed
