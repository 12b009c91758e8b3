"""fivestep: the training loop of a multilayer perceptron in five steps you can read, check and outrun.

The public names are below. Each is imported when it is first used, so that `fivestep --help` does not wait for torch.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from .check import DivergenceError as DivergenceError
    from .check import InputError as InputError
    from .check import RanksError as RanksError
    from .datasets._base import Dataset as Dataset
    from .datasets._base import Rows as Rows
    from .datasets._folds import folds as folds
    from .datasets._load import load_dataset as load_dataset
    from .diagnosis import Diagnosis as Diagnosis
    from .diagnosis import diagnose as diagnose
    from .doctor import Watch as Watch
    from .doctor import watch as watch
    from .engines._engine import Engine as Engine
    from .engines._make import make_engine as make_engine
    from .ensemble import ensemble_of as ensemble_of
    from .epoch import Epoch as Epoch
    from .epoch import Evaluation as Evaluation
    from .estimators.classifier import MLPClassifier as MLPClassifier
    from .estimators.regressor import MLPRegressor as MLPRegressor
    from .evaluation import evaluate as evaluate
    from .explain import explain as explain
    from .export.module import to_torch as to_torch
    from .find import Choice as Choice
    from .fleet import fit_many as fit_many
    from .fleet.member import Member as Member
    from .net import MLP as MLP
    from .net import FeedForward as FeedForward
    from .net import LinearRegression as LinearRegression
    from .net import NetSpec as NetSpec
    from .net import SoftmaxRegression as SoftmaxRegression
    from .pictures._plot import plot as plot
    from .plan import TrainPlan as TrainPlan
    from .plots._style import Canvas as Canvas
    from .range_test import lr_range_test as lr_range_test
    from .ranks import Ranks as Ranks
    from .ranks import join_ranks as join_ranks
    from .report import write_report as write_report
    from .run import Run as Run
    from .run import fit as fit
    from .steps import Step as Step
    from .steps import steps as steps
    from .sweep import Range as Range
    from .sweep import Sweep as Sweep
    from .sweep import SweepPlan as SweepPlan
    from .sweep import sweep as sweep
    from .trackers._track import track as track
    from .train import train as train
    from .verify import Verification as Verification
    from .verify import verify as verify
    from .verify import verify_all as verify_all

__version__ = "0.1.0"

_HOME = {
    "Canvas": "plots._style",
    "Choice": "find",
    "Dataset": "datasets._base",
    "Diagnosis": "diagnosis",
    "DivergenceError": "check",
    "Engine": "engines._engine",
    "Epoch": "epoch",
    "Evaluation": "epoch",
    "FeedForward": "net",
    "InputError": "check",
    "LinearRegression": "net",
    "MLP": "net",
    "MLPClassifier": "estimators.classifier",
    "MLPRegressor": "estimators.regressor",
    "Member": "fleet.member",
    "NetSpec": "net",
    "Range": "sweep",
    "Ranks": "ranks",
    "RanksError": "check",
    "Rows": "datasets._base",
    "Run": "run",
    "SoftmaxRegression": "net",
    "Step": "steps",
    "Sweep": "sweep",
    "SweepPlan": "sweep",
    "TrainPlan": "plan",
    "Verification": "verify",
    "Watch": "doctor",
    "diagnose": "diagnosis",
    "ensemble_of": "ensemble",
    "evaluate": "evaluation",
    "explain": "explain",
    "fit": "run",
    "fit_many": "fleet",
    "folds": "datasets._folds",
    "join_ranks": "ranks",
    "load_dataset": "datasets._load",
    "lr_range_test": "range_test",
    "make_engine": "engines._make",
    "plot": "pictures._plot",
    "steps": "steps",
    "sweep": "sweep",
    "to_torch": "export.module",
    "track": "trackers._track",
    "train": "train",
    "verify": "verify",
    "verify_all": "verify",
    "watch": "doctor",
    "write_report": "report",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fivestep' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"fivestep.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


@final
class _Package(ModuleType):
    """This package as a module in which `fs.train` stays the function: importing `fivestep.train` would replace it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
