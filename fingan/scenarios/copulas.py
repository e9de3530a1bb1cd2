"""Copulas of innovations: margins of any law, joined by a Gaussian or a Student t dependence.

Source: Bollerslev (1990), Modelling the coherence in short-run nominal exchange rates: a
multivariate generalized ARCH model, for a correlation that does not change; Demarta & McNeil
(2005), The t copula and related copulas, for the t copula and its tail dependence.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from fingan.models.quantile_tables import QuantileTable
from fingan.scenarios.filtered import Steps
from fingan.scenarios.noise import path_normals
from fingan.scenarios.samplers import BLOCK_SIZE, ScenarioRequest

Correlation = Float[Tensor, "n_assets n_assets"]
Root = Float32[Tensor, "n_assets n_assets"]  # an upper Cholesky factor


def matrix_root(matrix: Correlation) -> Root:
    """What turns rows of independent normals into rows of this covariance."""
    factor: Tensor = torch.linalg.cholesky(matrix, upper=True)
    return factor.float()


def block_normals(request: ScenarioRequest, first: int, n_blocks: int, n_noise: int) -> Steps:
    """Independent normals of some blocks of paths, over the whole horizon."""
    return path_normals(request.seed, first, 0, request.horizon, BLOCK_SIZE, n_noise, n_blocks)


def correlated(normals: Steps, root: Root) -> Steps:
    """Normals with the covariance of ``root``."""
    return normals @ root if len(root) > 1 else normals * root[0]


@dataclass(frozen=True)
class GaussianCopula:
    """Correlated normals, each put through its asset's quantile function."""

    correlation: Correlation
    margins: QuantileTable
    """Innovation by standard normal."""

    @cached_property
    def _root(self) -> Root:
        return matrix_root(self.correlation)

    def draw(self, request: ScenarioRequest, first: int, n_blocks: int) -> Steps:
        """Shocks of blocks of paths, time first."""
        normals = block_normals(request, first, n_blocks, len(self._root))
        return self.margins(correlated(normals, self._root))


@dataclass(frozen=True)
class StudentCopula:
    """Correlated Student t numbers, each put through its asset's quantile function.

    All assets of a step share one chi-square number, so that their extremes come together: the
    tail dependence is 2 t_{nu + 1}(-sqrt((nu + 1)(1 - rho) / (1 + rho))), positive even at rho = 0.
    """

    correlation: Correlation
    degrees_of_freedom: float
    margins: QuantileTable
    """Innovation by Student t number."""

    @cached_property
    def _root(self) -> Root:
        return matrix_root(self.correlation)

    @cached_property
    def _mixing(self) -> QuantileTable:
        """sqrt(nu / chi-square) by standard normal: the larger the normal, the wilder the step."""
        from scipy import special

        nu = self.degrees_of_freedom

        def mixing(normal: Float[np.ndarray, " n_points"]) -> Float[np.ndarray, " n_points"]:
            chi_square: Float[np.ndarray, " n_points"] = special.chdtri(nu, special.ndtr(normal))
            return np.sqrt(nu / chi_square)

        return QuantileTable.of([mixing])

    def draw(self, request: ScenarioRequest, first: int, n_blocks: int) -> Steps:
        """Shocks of blocks of paths, time first."""
        normals = block_normals(request, first, n_blocks, len(self._root) + 1)
        joint = correlated(normals[..., :-1].contiguous(), self._root)
        return self.margins(joint.mul_(self._mixing(normals[..., -1:].contiguous())))
