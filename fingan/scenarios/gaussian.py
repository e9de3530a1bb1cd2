"""Independent Gaussian days: what mean-variance analysis assumes, and the plainest opponent.

Source: Markowitz (1952), Portfolio selection, for a law of returns known by its mean and
covariance; J.P. Morgan/Reuters (1996), RiskMetrics technical document, appendix E, for drawing
from it by the eigenvectors of the covariance.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.scenarios.copulas import block_normals, correlated
from fingan.scenarios.resampling import joint_days
from fingan.scenarios.samplers import Continuations, DrawBlock, ScenarioRequest


@dataclass(frozen=True)
class Gaussian:
    """Multivariate normal log-returns, independent from step to step."""

    mean: Float[Tensor, " n_assets"]
    covariance: Float[Tensor, "n_assets n_assets"]

    @classmethod
    def fit(cls, table: ReturnTable) -> "Gaussian":
        """Sample mean and covariance of the joint days."""
        days = joint_days(table.values)
        return cls(days.mean(0), days.T.cov().reshape(days.shape[1], days.shape[1]))

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row."""
        mean, root = self.mean.float(), self._root()

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            def draw(first: int, n_blocks: int = 1) -> Tensor:
                normals = block_normals(request, first, n_blocks, len(root))
                return correlated(normals, root).add_(mean).transpose(0, 1)

            return draw

        return continued

    def _root(self) -> Float[Tensor, "n_assets n_assets"]:
        """The symmetric root: unlike Cholesky's it stands where there are more assets than days."""
        variances, directions = torch.linalg.eigh(self.covariance)
        return ((directions * variances.clamp(min=0).sqrt()) @ directions.T).float()
