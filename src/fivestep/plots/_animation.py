"""Pictures one after another, as a GIF."""

from collections.abc import Iterable
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

LAST_FRAME = 1500
"""Milliseconds that the last picture stays."""


def write_gif(figures: Iterable[Figure], path: Path, *, milliseconds: int = 120, dpi: int = 80) -> int:
    """Writes the pictures as an animation that begins again, in one palette for all. Returns how many there were."""
    frames = [_image(figure, dpi) for figure in figures]
    palette = frames[-1].quantize(128)
    reduced = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [milliseconds] * (len(frames) - 1) + [LAST_FRAME]
    reduced[0].save(path, format="GIF", save_all=True, append_images=reduced[1:], duration=durations, loop=0)
    return len(frames)


def _image(figure: Figure, dpi: int) -> Image.Image:
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba().tobytes()).convert("RGB")
