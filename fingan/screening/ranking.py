"""An order of candidates and how sure it is: ties, and the probability of leading."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.risk.estimates import (
    Estimate,
    Measured,
    Members,
    Weights,
    as_estimate,
    as_estimates,
    n_generators,
)
from fingan.screening.criteria import apart, better
from fingan.screening.specification import Figure
from fingan.screening.verdicts import bounds

N_RESAMPLES = 1_000
N_CHUNKS = 32  # of each generator's paths, resampled as one
CONFIDENCE = 0.975  # of each side of a difference


@dataclass(frozen=True)
class Place:
    """A candidate in the order."""

    candidate: int
    rank: int
    score: Estimate
    ahead_of_next: Estimate | None
    """The difference to the next candidate on the same paths, as the figure has it."""
    is_tied_with_next: bool | None
    """Whether the 95 % interval of the difference, both errors counted, covers 0."""
    p_top_k: float | None


def ranked(
    figure: Figure,
    scores: Measured,
    top_k: int,
    weights: Weights,
    members: Members,
    *,
    seed: int,
) -> list[Place]:
    """Candidates, best first.

    Args:
        figure: What they are ordered by.
        scores: It, of every candidate.
        top_k: How many lead.
        weights: Probability of each path.
        members: The generator that drew each path.
        seed: Of the resampling.
    """
    order = _order(figure, scores.value)
    estimates = as_estimates(scores, weights, members)
    leading = _p_top_k(figure, scores, top_k, weights, members, seed)
    generators = n_generators(members)
    places = []
    for rank, (first, second) in enumerate(zip(order, [*order[1:], None], strict=True), start=1):
        ahead = None
        if second is not None:
            ahead = as_estimate(apart(scores, first, second), weights, members)
        ends = None if ahead is None else bounds(ahead, CONFIDENCE, generators)
        tied = None if ends is None else ends[0] <= 0 <= ends[1]
        chance = leading[first] if torch.isfinite(scores.value[first]) else None
        places.append(Place(first, rank, estimates[first], ahead, tied, chance))
    return places


def _order(figure: Figure, values: Float[Tensor, " n_candidates"]) -> list[int]:
    """Best first; what has no finite figure last."""
    scores = better(figure, values)
    scores = torch.where(scores.isnan(), -torch.inf, scores)
    return scores.argsort(descending=True, stable=True).tolist()


def _p_top_k(
    figure: Figure, scores: Measured, top_k: int, weights: Weights, members: Members, seed: int
) -> list[float]:
    """How frequently each candidate leads when generators and paths are drawn again.

    Generators are drawn with replacement, then chunks of each one's paths; a figure follows by its
    influence function. The spread of few generators shows their paths' scatter as well, so that
    the answer errs on the side of doubt.

    Source: Davison & Hinkley (1997), Bootstrap methods and their application, section 3.8, for two
        levels, and section 2.7.2 for the linear approximation.
    """
    chunks = _chunks(scores.influence, weights, members)
    n_members = len(chunks)
    random = torch.Generator().manual_seed(seed)
    owners = torch.randint(n_members, (N_RESAMPLES, n_members), generator=random)
    shape = (N_RESAMPLES, n_members, N_CHUNKS)
    taken = torch.randint(N_CHUNKS, shape, generator=random)
    moved = chunks[owners.unsqueeze(2), taken].mean((1, 2))
    drawn = better(figure, scores.value + moved)
    drawn = torch.where(drawn.isnan(), -torch.inf, drawn)
    first = drawn.topk(min(top_k, drawn.shape[1]), dim=1).indices
    counts = torch.bincount(first.flatten(), minlength=drawn.shape[1])
    return (counts / N_RESAMPLES).tolist()


def _chunks(
    influence: Float[Tensor, "n_paths n_candidates"], weights: Weights, members: Members
) -> Float[Tensor, "n_members n_chunks n_candidates"]:
    """Means of the influence over chunks of each generator's paths."""
    n_paths = len(influence)
    n_members = n_generators(members)
    moved = influence if weights is None else n_paths * weights.unsqueeze(1) * influence
    owner = torch.zeros(n_paths).long() if members is None or n_members == 1 else members
    place = owner * N_CHUNKS + (torch.arange(n_paths) // n_members) % N_CHUNKS
    sums = influence.new_zeros(n_members * N_CHUNKS, influence.shape[1])
    counts = torch.bincount(place, minlength=len(sums)).clamp(min=1)
    means = sums.index_add(0, place, moved) / counts.unsqueeze(1)
    return means.reshape(n_members, N_CHUNKS, -1)
