"""What every named task has to keep, over the listing of the folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows, Task
from fivestep.datasets._load import load_dataset
from fivestep.engines._make import make_engine
from fivestep.find import find, shown_names
from fivestep.preflight import check_data, check_plan

TASKS = shown_names("datasets")
IN_MEMORY = [name for name in TASKS if not find("datasets", name).has_files]
"""Those with files are tested in files of their own."""

DRAWN = [name for name in IN_MEMORY if find("datasets", name).is_drawn]
FIXED = [name for name in IN_MEMORY if name not in DRAWN]
MODELS = [(name, model) for name in TASKS for model in find("datasets", name).models]


def settings_of(task: type[Task], model: str) -> dict[str, Any]:
    return {**task.settings, **task.models[model]}


@pytest.mark.parametrize("name", TASKS)
def test_task_describes_itself_in_one_short_line(name: str):
    description = find("datasets", name).description
    assert re.fullmatch(r"[^\n]{20,50}[^\n.]", description)


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_task_has_usable_settings_for_each_model(name: str, model: str):
    spec, plan = find("recipes", "plain")().prepare(model, settings_of(find("datasets", name), model))
    assert spec.sized(4, 3).num_parameters > 0
    assert plan.epochs > 0


@pytest.mark.parametrize(("name", "model"), [(name, model) for name, model in MODELS if name in IN_MEMORY])
def test_task_has_rows_that_fit_each_model(name: str, model: str):
    spec, plan = find("recipes", "plain")().prepare(model, settings_of(find("datasets", name), model))
    data = load_dataset(name)
    engine = make_engine("nn", spec.sized(data.in_features, data.num_outputs), plan, device="cpu")
    check_data(engine, data)
    check_plan(plan, data)


@pytest.mark.parametrize("name", FIXED)
def test_task_has_three_parts_without_a_row_in_common(name: str):
    data = load_dataset(name)
    parts = [part.stored.unique(dim=0) for part in (data.train, data.valid, data.test)]
    rows = torch.cat(parts)
    assert len(rows.unique(dim=0)) == len(rows)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("part", "other"), [("train", "valid"), ("train", "test"), ("valid", "test")])
def test_task_draws_each_part_by_itself(name: str, part: str, other: str):
    data = load_dataset(name)
    first, second = getattr(data, part).x[:10], getattr(data, other).x[:10]
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", IN_MEMORY)
def test_task_gives_its_own_name_and_as_many_class_names_as_classes(name: str):
    data = load_dataset(name)
    assert data.name == name
    assert len(data.class_names) in (0, len(data.train.y.unique()))


@pytest.mark.parametrize("name", IN_MEMORY)
@pytest.mark.parametrize("part", [lambda data: data.train, lambda data: data.valid, lambda data: data.test])
def test_task_repeats_its_rows_for_the_same_seed(name: str, part: Callable[[Dataset], Rows]):
    one, other = part(load_dataset(name, seed=3)), part(load_dataset(name, seed=3))
    assert torch.equal(one.stored, other.stored)
    assert torch.equal(one.y, other.y)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("part", [lambda data: data.train, lambda data: data.valid, lambda data: data.test])
def test_task_draws_other_rows_for_another_seed(name: str, part: Callable[[Dataset], Rows]):
    assert not torch.equal(part(load_dataset(name, seed=0)).x, part(load_dataset(name, seed=1)).x)


@pytest.mark.parametrize("name", IN_MEMORY)
def test_task_without_files_warns_of_a_folder_for_them(name: str, tmp_path: Path):
    with pytest.warns(UserWarning, match=f"^data_dir must be left out for task '{name}', which has no files, got .*"):
        load_dataset(name, data_dir=tmp_path)


@pytest.mark.parametrize("name", FIXED)
def test_task_with_fixed_rows_ignores_the_seed(name: str):
    assert torch.equal(load_dataset(name, seed=0).train.stored, load_dataset(name, seed=1).train.stored)
