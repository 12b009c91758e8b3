"""A grid of small images with words below or above each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._style import SMALL, WIDTH, Canvas


def image_grid(
    images: np.ndarray, captions: Sequence[str], title: str, *, columns: int, dark: bool, **how: Any
) -> Canvas:
    """Images (K, H, W) in rows of `columns`, each below its caption; `how` goes to matplotlib's `imshow`."""
    rows = -(-len(images) // columns)
    num_lines = max((caption.count("\n") + 1 for caption in captions if caption), default=0)
    height = rows * (WIDTH / columns * images.shape[1] / images.shape[2] + 0.19 * num_lines) + 0.5
    canvas = Canvas(title, dark=dark, height=height)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True), start=1):
        axes = canvas.bare(rows, columns, number)
        axes.imshow(image, **how)
        axes.set_title(caption, fontsize=SMALL, color=canvas.theme.ink, parse_math=False)
    return canvas
