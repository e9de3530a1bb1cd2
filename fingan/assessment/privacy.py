"""What a published model gives away of its training days: copies, and membership inference.

The copy search looks at the model itself; membership inference at its recipe, trained again with
blocks of days hidden (``membership``). Neither proves that nothing leaks: each is one way of
looking, with the error that a history of this length allows.

Source: Yao, Krco, Ganev & de Montjoye (2025), The DCR delusion: measuring the privacy risk of
synthetic data, for why distances to the closest record alone find no leak.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.membership import MIN_BLOCKS, MIN_FOR_RATE, WINDOW, AuditBlocks, attack
from fingan.data.quality import data_digest
from fingan.data.returns import ReturnTable, end_of, log_returns
from fingan.data.windows import chronological_split
from fingan.errors import PriceDataError
from fingan.metrics.copies import search_copies
from fingan.models.generators import MarketGenerator
from fingan.models.market import History, MarketModel, MarketShape
from fingan.scenarios.published_model import PublishedModel
from fingan.scenarios.samplers import Sampler, ScenarioRequest, TrainedSampler
from fingan.training.config import TrainConfig
from fingan.training.dataset import TrainingSet, prepare
from fingan.training.loop import Progress, fit, initial_state

COPY_HORIZON, N_STARTS, PATHS_PER_START = 250, 8, 64  # of the paths searched for copies
PATHS_PER_ASSET = 128
MIN_HORIZON = 20

NOTES = (
    "synthetic is not anonymous: an audit that finds nothing is no proof that nothing leaks",
    "a copy is a run of several days; single training days resampled are none",
)


@dataclass
class PrivacyAudit:
    """An audit of one model; iterate over it to train the shadow, then read ``record``."""

    sampler: Sampler
    returns: ReturnTable
    """The training period."""
    config: TrainConfig
    """Of the shadow."""
    model_steps: int
    seed: int = 0
    membership: bool = True
    n_generators: int = 1
    """Of the model; the shadow has one."""
    shadow: Progress | None = field(default=None, repr=False)
    """Where the shadow stands; None before it is trained."""

    @property
    def blocks(self) -> AuditBlocks:
        """Days hidden from the shadow, and members between them."""
        n_days, config = len(self.returns.dates), self.config
        split = chronological_split(n_days, config.selection.share, config.window)
        return AuditBlocks.of(self.returns, split.training.end)

    @property
    def has_shadow(self) -> bool:
        """Whether membership is to be audited and there are days enough."""
        return self.membership and len(self.blocks) >= MIN_BLOCKS

    def __iter__(self) -> Iterator[Progress]:
        """Train the shadow, if there is to be one."""
        if not self.has_shadow:
            return
        blocks = self.blocks
        for progress in fit(blocks.hide(self.returns), _without_loss(self.config, blocks)):
            self.shadow = progress
            yield progress

    def record(self) -> dict[str, Any]:
        """The findings, as JSON.

        A leak is a copy by any search, or an attack whose AUC lies above 1/2 by its whole 95 %
        interval: by the nominal level of the interval, two attacks raise a false alarm in at most
        5 % of audits of a model that leaks nothing.
        """
        copies = self._copies()
        membership = None if self.shadow is None else self._membership(self.shadow)
        return {
            "kind": "privacy",
            "model": self.sampler.reference,
            "seed": self.seed,
            "copies": copies,
            "membership": membership,
            "verdict": _verdict(copies, membership),
            "notes": [*NOTES, *self._notes()],
        }

    def _notes(self) -> Iterator[str]:
        n_blocks = len(self.blocks)
        if not self.membership:
            yield "membership inference: not asked for"
        elif n_blocks < MIN_BLOCKS:
            yield (
                f"membership inference: not applicable, the training span holds {n_blocks} blocks"
                f" of {WINDOW} days, at least {MIN_BLOCKS} are needed"
            )
        elif n_blocks < MIN_FOR_RATE:
            yield (
                f"true positive rate: not applicable, {n_blocks} windows are held out, at least"
                f" {MIN_FOR_RATE} are needed"
            )
        if self.membership and self.n_generators > 1:
            yield (
                f"the shadow is one generator, the model has {self.n_generators} that differ in"
                " the seed alone: each gives away what it would alone, and draws a share of paths"
            )
        if self.membership and self.config.steps < self.model_steps:
            yield (
                f"the shadow was trained for {self.config.steps} steps, the model for"
                f" {self.model_steps}: a shorter training leaks less"
            )

    def _copies(self) -> dict[str, Any]:
        paths = _search_paths(self.sampler, self.returns, self.seed)
        training = self.returns.values
        found = search_copies(paths, training)
        record = {"n_paths": len(paths), "n_days": paths.shape[1], **found.record()}
        if len(self.returns.assets) == 1:
            return record | {"assets_copied": []}
        alone = {
            asset: search_copies(paths[:PATHS_PER_ASSET, :, [i]], training[:, [i]]).is_copy
            for i, asset in enumerate(self.returns.assets)
        }
        return record | {"assets_copied": [asset for asset, is_copy in alone.items() if is_copy]}

    def _membership(self, shadow: Progress) -> dict[str, Any]:
        blocks = self.blocks
        everything = prepare(self.returns, self.config, torch.device("cpu"))
        start = initial_state(everything, self.config, torch.device("cpu")).generator
        samplers = (
            _as_sampler(shadow.state.best, shadow.training_set, self.config),
            _as_sampler(start, everything, self.config),
        )
        generator, reference = (sampler.continuations(self.returns) for sampler in samplers)
        return {
            "attacks": attack(generator, reference, self.returns, blocks, self.seed),
            "n_members": len(blocks.members),
            "n_held_out": len(blocks.held_out),
            "window": WINDOW,
            "steps": self.config.steps,
            "model_steps": self.model_steps,
        }


def audit(
    sampler: TrainedSampler,
    published: PublishedModel,
    prices: pd.DataFrame,
    *,
    seed: int = 0,
    steps: int | None = None,
    membership: bool = True,
) -> PrivacyAudit:
    """Prepare the audit of a published model.

    Args:
        sampler: The model.
        published: Its files, which say how it was trained and on what.
        prices: Its training data; rows after its last training day are left out.
        seed: Of the paths and of the bootstrap.
        steps: Of the shadow's training; default as many as a generator of the model had.
        membership: Whether to train a shadow and attack it; without, only copies are searched.

    Raises:
        PriceDataError: If the prices are not those that the model was trained on.
    """
    returns = log_returns(training_period(published, prices))
    config = TrainConfig.model_validate(published.config["train"])
    shadow = config.model_copy(update={"steps": steps or config.steps, "ensemble": 1})
    n_generators = len(sampler.model.generators)
    return PrivacyAudit(sampler, returns, shadow, config.steps, seed, membership, n_generators)


def training_period(published: PublishedModel, prices: pd.DataFrame) -> pd.DataFrame:
    """The rows and assets of a table that a model was trained on.

    Raises:
        PriceDataError: If they are not the training data, by their digest.
    """
    document = published.config
    known = [asset for asset in document["assets"] if asset in prices.columns]
    first = published.card.get("data", {}).get("first")
    rows = prices.loc[first : end_of(document["until"]), known]
    rows.attrs = dict(prices.attrs)
    digest, kind = data_digest(rows), rows.attrs.get("kind", "price")
    if (digest, kind) != (document["data_digest"], document["kind"]):
        source = published.card["data"]["source"]
        raise PriceDataError(
            f"prices must be the training data of '{published.reference}', {source} up to"
            f" {document['until']} (kind {document['kind']}, digest {document['data_digest']}),"
            f" got other rows (kind {kind}, digest {digest}); give the file that it was trained on"
        )
    return rows


def _without_loss(config: TrainConfig, blocks: AuditBlocks) -> TrainConfig:
    """The recipe, taking windows as if the hidden days had been observed."""
    rows = torch.zeros(blocks.held_out[-1] + WINDOW + config.window)
    for row in blocks.held_out:
        rows[row : row + WINDOW] = 1
    most_hidden = float(rows.unfold(0, config.window, 1).mean(1).max())
    least = max(config.least_observed - most_hidden, 0.05)
    return config.model_copy(update={"least_observed": least})


def _as_sampler(
    generator: MarketGenerator, training_set: TrainingSet, config: TrainConfig
) -> TrainedSampler:
    """A generator in the midst of training, as what continues a history."""
    table = training_set.table
    model = MarketModel(
        shape=MarketShape(
            assets=table.assets, kind=table.kind, generator=config.generator, n_generators=1
        ),
        generators=(generator.cpu().requires_grad_(False).eval(),),
        mean=training_set.scaler.mean,
        std=training_set.scaler.std,
        law=training_set.law,
        time_of_day=training_set.time_of_day,
        history=History(
            torch.from_numpy(table.dates[-1:].as_unit("ns").asi8.copy()), table.values[-1:]
        ),
    )
    return TrainedSampler(model, "shadow")


def _search_paths(
    sampler: Sampler, returns: ReturnTable, seed: int
) -> Float[Tensor, "n_paths n_days n_assets"]:
    """Long paths from starts all over the period, so that calm and crisis are both searched."""
    n_days = len(returns.dates)
    horizon = min(COPY_HORIZON, n_days // 8)
    if horizon < MIN_HORIZON:
        raise PriceDataError(
            f"a copy search needs at least {8 * MIN_HORIZON} returns, got {n_days}"
        )
    continued = sampler.continuations(returns)
    rows = torch.linspace(n_days // 16, n_days - 1, N_STARTS).long().tolist()
    request = ScenarioRequest(horizon, PATHS_PER_START, seed)
    paths = [continued(row, request)(0)[:PATHS_PER_START] for row in rows]
    return torch.cat(paths).double()


def _verdict(copies: dict[str, Any], membership: dict[str, Any] | None) -> str:
    findings = []
    if copies["is_copy"]:
        findings.append("it copies runs of training days")
    if copies["assets_copied"]:
        findings.append(f"it copies runs of {', '.join(copies['assets_copied'])}")
    attacks = {} if membership is None else membership["attacks"]
    findings += [
        f"members are told from held-out windows by {name}"
        for name, figures in attacks.items()
        if figures["auc_low"] > 0.5
    ]
    if findings:
        return "leak: " + "; ".join(findings)
    return "no copy found" if membership is None else "no copy and no leak of membership found"
