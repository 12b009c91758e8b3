"""A trained network as an ordinary module of torch."""

import copy
import pickle

import pytest
import torch
from torch import nn

import fivestep as fs
from fivestep.averages import to_prediction
from tests.contracts.combinations import Combination, one_at_a_time
from tests.samples import do_steps, engine_of, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

EACH_LAYER = {(str(c.activation), str(c.layer)): c for c in one_at_a_time() if c.rows == "table"}


@pytest.mark.parametrize("combination", [pytest.param(c, id=" ".join(names)) for names, c in EACH_LAYER.items()])
@pytest.mark.usefixtures("without_shape_checks")
def test_each_layer_puts_out_what_the_engine_predicts(combination: Combination) -> None:
    engine, x = engine_of("scratch", combination.spec(), combination.plan()), combination.batch(1, torch.float64).x
    engine.train_step(*combination.batch(1, torch.float64))
    with torch.no_grad():
        assert distance(fs.to_torch(engine)(engine.as_input(x)), engine.predict(x)) < ENGINES_FLOAT64


def test_a_usual_network_consists_of_torchs_own_layers() -> None:
    model = fs.to_torch(small_engine("scratch", spec=small_net(dropout=0.2, norm="layer_norm")))
    assert [type(layer) for layer in model] == [nn.Linear, nn.LayerNorm, nn.Tanh, nn.Dropout, nn.Linear]
    again = pickle.loads(pickle.dumps(model))
    assert torch.equal(again(numbers(5, 4)), model(numbers(5, 4)))


def test_it_is_by_itself() -> None:
    engine = small_engine("nn")
    model, before = fs.to_torch(engine), engine.params.flat.clone()
    model(numbers(5, 4)).sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.sub_(1)
    assert torch.equal(engine.params.flat, before)
    assert (engine.params.grad == 0).all()
    engine.load_weights(model.state_dict())  # and back
    assert torch.equal(engine.params.flat, before - 1)


def test_its_weights_are_those_to_predict_with() -> None:
    plan = small_plan(ema=0.9)
    engine, x = small_engine("scratch", plan), numbers(5, 4)
    do_steps(engine, three_classes(), plan, 1, 5)
    to_prediction(engine)
    assert distance(fs.to_torch(engine)(x), engine.predict(x)) < ENGINES_FLOAT64


def test_in_training_mode_it_draws_by_torchs_seed() -> None:
    model, x = fs.to_torch(small_engine("scratch", spec=small_net(dropout=0.5))).train(), numbers(5, 4)
    torch.manual_seed(0)
    first, second = model(x), copy.deepcopy(model)(x)
    torch.manual_seed(0)
    assert torch.equal(model(x), first)
    assert not torch.equal(first, second)


def test_an_estimator_is_told_to_give_its_engine() -> None:
    with pytest.raises(fs.InputError, match="engine must be of the type Engine, got MLPClassifier; of an estimator"):
        fs.to_torch(fs.MLPClassifier())  # type: ignore[arg-type]  # the claim
