"""The rows of which a classifier was most sure, and wrong."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ._images import image_grid

IN_A_ROW = 6


def mistakes(
    images: np.ndarray,
    answers: Sequence[tuple[str, float]],
    truths: Sequence[str],
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """Images (K, H, W), each with the answer, its probability in [0, 1], and what would have been right."""
    captions = [f"{answer} {p:.3f}\nis {truth}" for (answer, p), truth in zip(answers, truths, strict=True)]
    return image_grid(
        images, captions, title, columns=IN_A_ROW, dark=dark, cmap="gray", vmin=0, vmax=images.max()
    ).figure
