"""Pictures in motion."""

from pathlib import Path

from PIL import Image

from fivestep.plots._animation import LAST_FRAME, write_gif
from fivestep.plots._style import Canvas


def test_every_picture_is_a_frame_and_the_last_stays(tmp_path: Path) -> None:
    canvases = [Canvas(str(k), width=2, height=1) for k in range(3)]
    assert write_gif((canvas.figure for canvas in canvases), tmp_path / "a.gif", milliseconds=100, dpi=50) == 3
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (3, (100, 50), 0)
        durations = [gif.seek(k) or gif.info["duration"] for k in range(3)]
    assert durations == [100, 100, LAST_FRAME]
