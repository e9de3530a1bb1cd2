"""Two classifiers of windows: a small recurrent network and boosted trees on window features."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn, optim

Batches = Float[Tensor, "n_seeds batch window n_assets"]
Logits = Float[Tensor, "n_seeds batch"]
Kinds = Float[Tensor, "n_seeds 2 n_train window n_assets"]  # real, then synthetic
TestKinds = Float[Tensor, "n_seeds 2 n_test window n_assets"]

BATCH, LEARNING_RATE = 128, 1e-3  # of each kind; as in the published code
MIN_HIDDEN = 3  # half of the six series of the published table


class GruEnsemble(nn.Module):
    """One-layer recurrent classifiers, one per seed, trained at the cost of little more than one.

    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, in the
        form and with the initial weights of ``torch.nn.GRU`` and ``torch.nn.Linear``.
    """

    def __init__(self, n_seeds: int, n_assets: int, hidden: int, random: torch.Generator) -> None:
        super().__init__()

        def weights(*shape: int) -> nn.Parameter:
            uniform = torch.rand(n_seeds, *shape, generator=random) * 2 - 1
            return nn.Parameter(uniform / math.sqrt(hidden))

        self.of_input, self.input_bias = weights(n_assets, 3 * hidden), weights(1, 3 * hidden)
        self.of_state, self.state_bias = weights(hidden, 3 * hidden), weights(1, 3 * hidden)
        self.of_last, self.last_bias = weights(hidden, 1), weights(1, 1)

    def forward(self, windows: Batches) -> Logits:
        """Logit of each window being real, seed by seed."""
        n_seeds, batch, length, _ = windows.shape
        inputs = torch.baddbmm(self.input_bias, windows.flatten(1, 2), self.of_input)
        state = windows.new_zeros(n_seeds, batch, self.of_state.shape[1])
        for today in inputs.unflatten(1, (batch, length)).unbind(2):
            reset_in, update_in, new_in = today.chunk(3, -1)
            recurrent = torch.baddbmm(self.state_bias, state, self.of_state)
            reset, update, new = recurrent.chunk(3, -1)
            candidate = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
            state = torch.lerp(candidate, state, torch.sigmoid(update_in + update))
        return torch.baddbmm(self.last_bias, state, self.of_last).squeeze(-1)


def window_features(
    windows: Float[Tensor, "n_windows window n_assets"],
    directions: Float[Tensor, "n_assets n_assets"],
) -> Float[Tensor, "n_windows n_features"]:
    """What tells windows apart: the mean asset and the dispersion by day, and each asset's moments.

    Args:
        windows: Returns in units of the market's standard deviations.
        directions: Columns along which the variance of each window is measured as well.

    Returns:
        ``2 window + 7 n_assets`` columns: by day the mean and the spread over the assets; by asset
        mean, standard deviation, lowest, highest, and the lag-1 products of returns and of sizes;
        by direction the standard deviation.
    """
    sizes = windows.abs()
    columns = [
        windows.mean(2),
        windows.std(2, correction=0),
        windows.mean(1),
        windows.std(1),
        windows.amin(1),
        windows.amax(1),
        (windows[:, 1:] * windows[:, :-1]).mean(1),
        (sizes[:, 1:] * sizes[:, :-1]).mean(1),
        (windows @ directions).std(1),
    ]
    return torch.cat(columns, dim=1)


def network_accuracies(
    train: Kinds, test: TestKinds, iterations: int, random: torch.Generator
) -> tuple[float, ...]:
    """Share of test windows that each seed's recurrent network names rightly.

    Args:
        train: Real windows and synthetic ones, drawn for each seed.
        test: The same of later days.
        iterations: Steps of Adam on 128 windows of each kind.
        random: Of initial weights and batches.

    Source: Yoon, Jarrett & van der Schaar (2019), ``metrics/discriminative_metrics.py``.
    """
    train, test = train.float(), test.float()
    n_seeds, _, n_windows, _, n_assets = train.shape
    network = GruEnsemble(n_seeds, n_assets, max(n_assets // 2, MIN_HIDDEN), random)
    optimizer = optim.Adam(network.parameters(), lr=LEARNING_RATE)
    of_seed, of_kind = torch.arange(n_seeds)[:, None, None], torch.arange(2)[:, None]
    for _ in range(iterations):
        index = torch.randint(n_windows, (n_seeds, 2, BATCH), generator=random)
        logits = network(train[of_seed, of_kind, index].flatten(1, 2))
        is_real = _labels(BATCH).expand_as(logits)
        loss = F.binary_cross_entropy_with_logits(logits, is_real, reduction="none").mean(1).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        said_real = network(test.flatten(1, 2)) > 0
    right = said_real == _labels(test.shape[2]).bool()
    return tuple(right.double().mean(1).tolist())


def boosting_accuracies(train: Kinds, test: TestKinds, seed: int) -> tuple[float, ...]:
    """Share of test windows that gradient-boosted trees on window features name rightly.

    Args:
        train: Real windows and synthetic ones, drawn for each seed.
        test: The same of later days.
        seed: Of the features that each split may use.

    Source: Ke et al. (2017), LightGBM, as scikit-learn has it.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    market_days = train[0, 0].flatten(0, 1)
    directions = torch.linalg.eigh(market_days.T @ market_days)[1]  # in standard units already
    accuracies = []
    for number, (past, future) in enumerate(zip(train.unbind(), test.unbind(), strict=True)):
        trees = HistGradientBoostingClassifier(
            max_leaf_nodes=15, max_features=0.5, early_stopping=False, random_state=seed + number
        )
        trees.fit(window_features(past.flatten(0, 1), directions), _labels(past.shape[1]))
        features = window_features(future.flatten(0, 1), directions)
        accuracies.append(float(trees.score(features, _labels(future.shape[1]))))
    return tuple(accuracies)


def _labels(n_windows: int) -> Tensor:
    return torch.cat([torch.ones(n_windows), torch.zeros(n_windows)])
