"""What an engine shows of itself."""

import pytest

from fivestep.steps import steps
from tests.samples import ENGINES, small_engine, small_plan, three_classes


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_shows_its_network_itself_its_device_and_its_steps(name: str) -> None:
    plan, data = small_plan(), three_classes()
    engine = small_engine(name, plan)
    assert repr(engine) == f"Engine(MLP {engine.spec.sizes_text()} by {name} on cpu, 0 steps done)"
    for _ in steps(engine, data, plan):
        pass
    assert f"{plan.num_steps(data.num_rows)} steps done" in repr(engine)
