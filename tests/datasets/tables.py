"""The parts of a small table as scikit-learn makes them: the oracle of the tasks that stand on its tables."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

PARTS = ("train", "valid", "test")


def places(y: np.ndarray, num_valid: int, num_test: int, stratify: bool = True) -> dict[str, np.ndarray]:
    """The numbers of the rows of each part: the test part is taken out first, then the validation part."""
    rest, test = _split(np.arange(len(y)), num_test, y, stratify)
    train, valid = _split(rest, num_valid, y, stratify)
    return {"train": train, "valid": valid, "test": test}


def standardized(columns: np.ndarray, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of each part on the scale of the training rows."""
    scaler = StandardScaler().fit(columns[rows["train"]])
    return {part: scaler.transform(columns[numbers]) for part, numbers in rows.items()}


def _split(rows: np.ndarray, size: int, y: np.ndarray, stratify: bool) -> tuple[np.ndarray, np.ndarray]:
    rest, taken = train_test_split(rows, test_size=size, random_state=42, stratify=y[rows] if stratify else None)
    return np.sort(rest), np.sort(taken)
