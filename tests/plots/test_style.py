"""The look that all pictures share."""

import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from fivestep.plots._style import DARK, LIGHT, Canvas, Theme
from tests.plots.drawn import ground


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_ink_has_the_contrast_of_running_text(theme: Theme) -> None:
    assert contrast(theme.ink, theme.ground) >= 7


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_color_can_be_seen_on_its_ground(theme: Theme) -> None:
    """WCAG asks for 3 between neighboring areas; Okabe and Ito's orange, pink and sky blue have 2.2 on white."""
    assert min(contrast(color, theme.ground) for color in theme.colors) >= (2.0 if theme is LIGHT else 4.0)


def test_a_picture_changes_no_global_setting() -> None:
    before = dict(mpl.rcParams)
    Canvas("title", dark=True).axes(x="x", y="y")
    assert dict(mpl.rcParams) == before


def test_axes_carry_their_words() -> None:
    axes = Canvas("above").axes(title="here", x="step", y="loss")
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("here", "step", "loss")
    assert axes.figure.get_suptitle() == "above"


def test_the_width_is_a_column_of_text() -> None:
    figure = Canvas().figure
    assert figure.get_size_inches()[0] * figure.dpi == 800


@pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)])
def test_maps_begin_at_the_ground(dark: bool, theme: Theme) -> None:
    canvas = Canvas(dark=dark)
    assert ground(canvas.figure) == theme.ground
    assert canvas.ramp()(0.0)[:3] == pytest.approx(to_rgb(theme.ground))
    assert canvas.diverging()(0.5)[:3] == pytest.approx(to_rgb(theme.ground), abs=0.01)
