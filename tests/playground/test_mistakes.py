"""Each mistake of the page does what its words say, with the numbers that they name."""

from typing import Any

import pytest

from fivestep.playground import offered
from tests.browser import Opened
from tests.tolerances import EXACT, PRINTED, STATIONARY

GO_WRONG = """(name) => {
  const {settings, steps} = ITEMS.mistakes[name].measured;
  const training = new Training({...defaultsOf(settings.task), ...settings, mistake: name});
  const first = training.history[0];
  for (let k = 0; k < steps; k++) training.step(false);
  return {said: ITEMS.mistakes[name].measured, first: first.valid, ...training.look()};
}"""


def after(browser: Opened, name: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.page.evaluate(GO_WRONG, name)
    return found


@pytest.mark.parametrize("name", offered("mistakes"))
def test_a_mistake_comes_to_what_its_card_says(browser: Opened, name: str) -> None:
    end = after(browser, name)
    assert end["valid"] == pytest.approx(end["said"]["loss"], rel=PRINTED, abs=PRINTED)
    assert end["twin"] == pytest.approx(end["said"]["without"], rel=PRINTED, abs=PRINTED)


@pytest.mark.parametrize("name", offered("mistakes"))
def test_a_mistake_is_worse_than_the_run_without_it(browser: Opened, name: str) -> None:
    end = after(browser, name)
    assert end["valid"] > 2 * end["twin"]


def test_a_gradient_that_is_cleared_too_late_moves_nothing(browser: Opened) -> None:
    end = after(browser, "gradient_cleared_too_late")
    assert end["valid"] == end["first"]


def test_units_that_begin_alike_stay_one_unit(browser: Opened) -> None:
    differences = browser.page.evaluate("""() => {
      const training = new Training({...defaultsOf("moons"), activation: "sigmoid", mistake: "units_alike"});
      for (let k = 0; k < 50; k++) training.step(false);
      const {W} = training.engine.layers[0];
      return [...W].map((weight, place) => Math.abs(weight - W[place % 2]));
    }""")
    assert max(differences) == EXACT


def test_the_shape_mistake_ends_at_the_mean_of_the_targets(browser: Opened) -> None:
    slope, gap = browser.page.evaluate("""() => {
      const training = new Training({...defaultsOf("line"), lr: 0.1, mistake: "wrong_broadcast"});
      for (let k = 0; k < 500; k++) training.step(false);
      const mean = training.rows.y.data.reduce((sum, y) => sum + y, 0) / training.rows.y.data.length;
      const [weight, bias] = training.engine.w;
      return [weight, bias - mean];
    }""")
    assert [slope, gap] == pytest.approx([0, 0], abs=STATIONARY)
