"""Some images of each class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ._images import image_grid


def sample_images(
    images: np.ndarray, labels: Sequence[int], class_names: Sequence[str], title: str = "", *, dark: bool = False
) -> Figure:
    """Images (K, H, W), from 0 (black) to the largest number (white), in that order, below their classes' names."""
    names = [class_names[label] for label in labels]
    columns = min(len(images), 10)
    return image_grid(images, names, title, columns=columns, dark=dark, cmap="gray", vmin=0, vmax=images.max()).figure
