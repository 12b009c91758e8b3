"""docs/scale.md: its Python runs on two ranks, its commands are options that there are, its launchers launch."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.run import config_from_args, get_args_parser

from fivestep.cli._options import RunOptions
from fivestep.ranks import Ranks
from tests.together import free_port, together

PAGE = (Path(__file__).parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")
PYTHON, SHELL, YAML = (re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("python", "sh", "yaml"))
FIRST, ON_RAY = PYTHON
(SLURM,) = (block for block in SHELL if "#SBATCH" in block)
LAUNCHES = re.findall(r"^(?:srun )?(torchrun .*)$", "".join(SHELL).replace("\\\n", ""), re.MULTILINE)


def printed(_ranks: Ranks) -> str:
    with redirect_stdout(StringIO()) as shown:
        exec(FIRST, {})
    return shown.getvalue()


@pytest.mark.slow
def test_the_example_trains_on_two_ranks_and_one_of_them_prints() -> None:
    first, second = together(printed, 2)
    assert first.count("valid_loss") == 3
    assert second == ""


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<=-)-(rank-timeout|resume|out|data-dir)", PAGE))))
def test_an_option_on_the_page_is_one_of_the_command(option: str) -> None:
    assert option.replace("-", "_") in RunOptions.__dataclass_fields__


@pytest.mark.parametrize("block", SHELL)
def test_a_block_for_the_shell_is_one(block: str) -> None:
    assert subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=True).stderr == ""


@pytest.mark.parametrize("line", LAUNCHES)
def test_a_line_of_torchrun_is_read_by_torchrun(line: str) -> None:
    """Its own options come before our program, and ours after it: one in the wrong place would be handed on unseen."""
    words = [re.sub(r"\$\w+", "2", word) for word in shlex.split(line)][1:]
    found = get_args_parser().parse_args(words)
    assert (found.module, found.training_script, found.training_script_args[0]) == (True, "fivestep", "train")
    config, _, _ = config_from_args(found)
    assert config.nproc_per_node >= 2
    assert config.max_nodes == 1 or config.rdzv_backend == "c10d"


def test_all_launches_are_found() -> None:
    assert len(LAUNCHES) == PAGE.count("torchrun --n")


SRUN = """#!/bin/bash
for ((task = 0; task < SLURM_NNODES; task++)); do
  SLURM_NODEID=$task "$@" & tasks+=($!)
done
for task in "${tasks[@]}"; do wait "$task" || exit 1; done
"""
SCONTROL = """#!/bin/bash
[ "$1 $2 $3" = "show hostnames here[1-2]" ] && echo localhost && echo other
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="two hosts on one machine, as on Linux")
def test_the_script_for_slurm_trains_on_two_nodes(tmp_path: Path) -> None:
    """Both tasks run here, one rank each, in place of those that `srun` would start on two nodes."""
    torchrun = f'#!/bin/bash\n"{sys.executable}" -m torch.distributed.run "$@"\n'
    programs = {"srun": SRUN, "scontrol": SCONTROL, "torchrun": torchrun}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = SLURM.replace("--nproc-per-node 16", "--nproc-per-node 1").replace(":29400", f":{free_port()}")
    script = script.replace("train fashion-mnist", "train digits --epochs 2 --json")
    assert script.count("digits") == 1
    slurm = {"SLURM_JOB_NODELIST": "here[1-2]", "SLURM_NNODES": "2", "SLURM_JOB_ID": "77", "HOME": str(tmp_path)}
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ours = {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash"], input=script, env=os.environ | slurm | ours, text=True, capture_output=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"epochs": 2') == 1
    assert "2 ranks meet in every step" in done.stderr
    assert (tmp_path / "runs" / "77" / "model.safetensors").exists()


def test_the_job_for_kubernetes_is_one_that_the_operator_and_torchrun_understand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operator's fields (kubeflow.org/v1, PyTorchJobSpec), and what it makes of them for torchrun."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    job = yaml.safe_load(YAML[0])
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    spec = job["spec"]
    assert set(spec) <= {"runPolicy", "elasticPolicy", "pytorchReplicaSpecs", "nprocPerNode"}
    policy, worker = spec["elasticPolicy"], spec["pytorchReplicaSpecs"]["Worker"]
    assert set(policy) <= {"minReplicas", "maxReplicas", "rdzvBackend", "rdzvPort", "rdzvHost", "rdzvId", "maxRestarts"}
    assert set(worker) <= {"replicas", "restartPolicy", "template"}
    assert policy["minReplicas"] <= worker["replicas"] <= policy["maxReplicas"]
    pod = worker["template"]["spec"]
    (container,) = pod["containers"]
    assert container["name"] == "pytorch"  # the operator looks for it by this name
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    told: dict[str, Any] = {
        "PET_RDZV_BACKEND": policy["rdzvBackend"],
        "PET_RDZV_ENDPOINT": f"{job['metadata']['name']}-worker-0:23456",
        "PET_NNODES": f"{policy['minReplicas']}:{policy['maxReplicas']}",
        "PET_MAX_RESTARTS": str(policy["maxRestarts"]),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    words = [*container["command"], *container["args"]]
    assert words[0] == "torchrun"
    config, _, ours = config_from_args(get_args_parser().parse_args(words[1:]))
    assert (config.min_nodes, config.max_nodes, config.nproc_per_node, config.max_restarts) == (2, 2, 8, 3)
    assert (config.rdzv_backend, config.rdzv_endpoint) == ("c10d", "fivestep-worker-0:23456")
    assert ours[-len(words[words.index("fivestep") :]) :] == words[words.index("fivestep") :]


RAY = """
import sys
{snippet}
import fivestep as fs
run = fs.Run.load(sys.argv[1], device="cpu")
print("epochs", run.history[-1].index)
"""


@pytest.mark.slow
def test_the_example_for_ray_train_trains_on_a_cluster_of_this_machine(tmp_path: Path) -> None:
    pytest.importorskip("ray.train.torch", reason="ray is not installed (pip install 'fivestep[ray]' 'ray[train]')")
    snippet = ON_RAY.replace('"fashion-mnist"), fs.TrainPlan()', '"digits"), fs.TrainPlan(epochs=2)')
    snippet = snippet.replace("fs.MLP(784, 256, 10)", "fs.MLP(64, 8, 10)").replace("num_workers=4", "num_workers=2")
    snippet = snippet.replace('"/shared/run"', repr(str(tmp_path / "run")))
    assert snippet.count(str(tmp_path)) == snippet.count("digits") == snippet.count("num_workers=2") == 1
    (tmp_path / "train.py").write_text(RAY.format(snippet=snippet))
    ours = {"PYTHONPATH": os.pathsep.join(sys.path), "RAY_TRAIN_V2_ENABLED": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "train.py", str(tmp_path / "run")],
        cwd=tmp_path,
        env=os.environ | ours,
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "epochs 2" in done.stdout
