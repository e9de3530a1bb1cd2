"""What stands beside every figure of a screen: generators and sorts without skill in ranking.

A generator that bootstraps the past knows nothing of today, a filtered one knows today's volatility
alone; a random pick, the past year's winners and the calmest candidates need no generator at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.screening.candidates import Candidate
from fingan.screening.criteria import better
from fingan.screening.specification import Figure

YEAR, MONTH = 252, 21  # rows
SORTS = ("momentum", "low-volatility")


@dataclass(frozen=True)
class Sorts:
    """Orders of the candidates by their past."""

    scores: Mapping[str, Float[Tensor, " n_candidates"]]
    """Higher is better; no entry where the history is too short."""
    top_k: int

    def picks(self, name: str) -> list[int]:
        """The candidates that a sort puts first."""
        scores = self.scores[name]
        first: list[int] = scores.topk(min(self.top_k, len(scores))).indices.tolist()
        return first

    def picked(self, candidate: int) -> list[str]:
        """The sorts that would have taken a candidate."""
        return [name for name in self.scores if candidate in self.picks(name)]

    def figures(self, values: Float[Tensor, " n_candidates"]) -> dict[str, float]:
        """A figure's mean over what a random pick and each sort would have taken."""
        found = {"random": float(values.nanmean())}
        for name in self.scores:
            found[name] = float(values[self.picks(name)].nanmean())
        return {name: value for name, value in found.items() if torch.tensor(value).isfinite()}


def sorts(known: ReturnTable, candidates: Sequence[Candidate], top_k: int) -> Sorts:
    """Twelve months' return without the last month, and low volatility over twelve months.

    Source: Jegadeesh & Titman (1993), Returns to buying winners and selling losers; Blitz &
        van Vliet (2007), The volatility effect.
    """
    moves = known.values[-YEAR:].nan_to_num().double()
    if len(moves) < YEAR:
        return Sorts({}, top_k)
    weights = torch.stack([candidate.weights for candidate in candidates], 1)
    trend = moves[:-MONTH].sum(0).expm1() @ weights
    calm = -(moves.expm1() @ weights).std(0)
    return Sorts({"momentum": trend, "low-volatility": calm}, top_k)


def agreement(
    figure: Figure, scores: Float[Tensor, " n_candidates"], others: Mapping[str, Tensor]
) -> dict[str, float | None]:
    """Rank correlation of a screen's order with each reference's.

    Args:
        figure: What the screen ranks by.
        scores: It, of every candidate.
        others: Scores of the references, higher is better.

    Source: Spearman (1904), The proof and measurement of association between two things.
    """
    own = better(figure, scores)
    return {name: _rank_correlation(own, other) for name, other in others.items()}


def _rank_correlation(
    first: Float[Tensor, " n_candidates"], second: Float[Tensor, " n_candidates"]
) -> float | None:
    from scipy.stats import rankdata

    known = first.isfinite() & second.isfinite()
    if int(known.sum()) < 3:
        return None
    ranks = torch.stack([torch.from_numpy(rankdata(one[known])) for one in (first, second)])
    if not bool((ranks.std(1) > 0).all()):
        return None
    return float(torch.corrcoef(ranks)[0, 1])
