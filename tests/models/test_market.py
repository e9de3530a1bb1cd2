import json

import pytest
import torch
from safetensors.torch import load, save

from fingan.data.returns import log_returns
from fingan.errors import ModelDamagedError
from fingan.models.market import FILTER, GENERATORS, HISTORY, SHAPE, MarketModel
from fingan.pipeline import load_model


@pytest.fixture
def model(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store).model


@pytest.fixture
def files(model, tmp_path):
    """The files of a model, by name, as bytes."""
    model.save(tmp_path)
    return {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_saved_model_comes_back_as_it_was(model, files):
    assert set(files) == {GENERATORS, FILTER, HISTORY, SHAPE}
    loaded = MarketModel.load(files.__getitem__)
    assert loaded.shape == model.shape
    assert len(loaded.generators) == len(model.generators) == 2
    for one, other in zip(model.generators, loaded.generators, strict=True):
        theirs = other.state_dict()
        for name, weights in one.state_dict().items():
            assert torch.equal(theirs[name], weights), name
    for name, tensor in model.law.tensors().items():
        assert torch.equal(loaded.law.tensors()[name], tensor), name
    assert torch.equal(loaded.mean, model.mean)
    assert torch.equal(loaded.history.dates, model.history.dates)
    assert torch.equal(loaded.history.prices, model.history.prices)


def test_saving_twice_writes_the_same_bytes(files, tmp_path):
    MarketModel.load(files.__getitem__).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_loaded_model_draws_what_the_saved_one_draws(model, files, garch_prices):
    loaded = MarketModel.load(files.__getitem__)
    noise = torch.randn(10, 4, model.n_noise, generator=torch.Generator().manual_seed(1))
    returns = log_returns(garch_prices)
    drawn = [
        one.generators[1](noise, one.conditions(returns).row(-1).expand(4))[0]
        for one in (model, loaded)
    ]
    assert torch.equal(*drawn)


def test_tensors_that_share_memory_are_saved_each_for_itself(model, tmp_path):
    shared = torch.ones(4, dtype=torch.float64)
    object.__setattr__(model, "mean", shared)
    object.__setattr__(model, "std", shared)
    model.save(tmp_path)
    assert torch.equal(load((tmp_path / FILTER).read_bytes())["std"], shared)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("file", "tensor"), [(GENERATORS, None), (FILTER, "std"), (FILTER, "volatility.beta")]
)
def test_a_weight_that_is_not_finite_is_refused(files, file, tensor, value):
    tensors = load(files[file])
    tensors[tensor or min(tensors)].view(-1)[0] = value
    files[file] = save(tensors)
    with pytest.raises(ModelDamagedError, match="must be finite"):
        MarketModel.load(files.__getitem__)


def test_a_missing_price_in_the_history_is_no_damage(files):
    tensors = load(files[HISTORY])
    tensors["prices"][3, 1] = torch.nan
    files[HISTORY] = save(tensors)
    assert MarketModel.load(files.__getitem__).history.prices[3, 1].isnan()


def test_weights_that_do_not_fit_the_shape_are_refused(files):
    shape = json.loads(files[SHAPE])
    shape["generator"]["width"] += 1
    files[SHAPE] = json.dumps(shape).encode()
    with pytest.raises(ModelDamagedError, match=SHAPE):
        MarketModel.load(files.__getitem__)


def test_a_model_of_an_earlier_version_is_refused_in_one_sentence(files):
    shape = json.loads(files[SHAPE])
    del shape["n_generators"]
    files[SHAPE] = json.dumps(shape).encode()
    with pytest.raises(ModelDamagedError, match="train a model of an earlier one again"):
        MarketModel.load(files.__getitem__)


@pytest.mark.parametrize("file", [GENERATORS, FILTER, HISTORY])
def test_a_file_cut_short_is_refused(files, file):
    files[file] = files[file][:-4]
    with pytest.raises(ModelDamagedError):
        MarketModel.load(files.__getitem__)


@pytest.mark.parametrize("file", [FILTER, HISTORY])
def test_a_tensor_of_another_size_is_refused(files, file):
    tensors = {name: tensor[..., :-1].contiguous() for name, tensor in load(files[file]).items()}
    files[file] = save(tensors)
    with pytest.raises(ModelDamagedError):
        MarketModel.load(files.__getitem__)


@pytest.mark.parametrize("text", ["", "{}", "[]", "\xff", '{"assets": ["A"], "kind": "price"}'])
def test_a_shape_that_is_none_is_refused(files, text):
    files[SHAPE] = text.encode()
    with pytest.raises(ModelDamagedError):
        MarketModel.load(files.__getitem__)


def test_the_condition_is_the_filters_last_variance_in_scaled_units(model, garch_prices):
    returns = log_returns(garch_prices)
    today = model.conditions(returns).row(-1)
    scaled = (returns.values - model.mean) / model.std
    torch.testing.assert_close(
        today.variance[0], model.law.volatility.variances(scaled)[-1].float()
    )
    assert today.state.isfinite().all()
