import pytest
import torch

from fingan.metrics.classifiers import GruEnsemble, window_features


def test_the_network_is_the_one_of_torch():
    ensemble = GruEnsemble(2, 3, 5, torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(1)
    batch = torch.randn(7, 12, 3, generator=random).expand(2, -1, -1, -1)
    for member in range(2):
        gru, last = torch.nn.GRU(3, 5, batch_first=True), torch.nn.Linear(5, 1)
        with torch.no_grad():
            gru.weight_ih_l0.copy_(ensemble.of_input[member].T)
            gru.weight_hh_l0.copy_(ensemble.of_state[member].T)
            gru.bias_ih_l0.copy_(ensemble.input_bias[member, 0])
            gru.bias_hh_l0.copy_(ensemble.state_bias[member, 0])
            last.weight.copy_(ensemble.of_last[member].T)
            last.bias.copy_(ensemble.last_bias[member, 0])
        expected = last(gru(batch[member])[1][0]).squeeze(-1)
        torch.testing.assert_close(ensemble(batch)[member], expected)


def test_the_features_are_the_hand_calculation():
    window = torch.tensor([[[1.0, 3.0], [-2.0, 0.0], [1.0, 3.0]]], dtype=torch.float64)
    across = torch.tensor([[1.0], [1.0]], dtype=torch.float64).expand(2, 2)
    features = window_features(window, across)[0].tolist()
    expected = [2, -1, 2, 1, 1, 1]  # by day: mean and spread over the assets
    expected += [0, 2, 3**0.5, 3**0.5, -2, 0, 1, 3]  # mean, deviation, lowest, highest
    expected += [-2, 0, 2, 0]  # products of neighbours: returns, sizes
    expected += [12**0.5, 12**0.5]
    assert features == pytest.approx(expected)
