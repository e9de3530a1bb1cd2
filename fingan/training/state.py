"""Exact save and resume: everything that a step reads, in one verified safetensors file.

Random numbers need no saving, being functions of (seed, step). A checkpoint is a file
``step-000000500.safetensors``, written under a hidden name, synced and renamed, with a SHA-256
over every byte that matters in its header; a reader takes the newest that verifies, so that a
run killed at any moment, or a file cut short by a full disk, costs one interval at most. Of
several workers the first alone reads and writes; what it read, it hands to the others.
"""

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn, optim

from fingan.errors import CheckpointError
from fingan.files import Folder, whole_file
from fingan.models.critics import MarketCritic
from fingan.models.generators import MarketGenerator
from fingan.training.distributed import from_first_worker
from fingan.training.members import Member

KEPT = 2  # checkpoints: the newest, and the one before in case the newest is damaged
_NAME = re.compile(r"step-(\d{9})\.safetensors")


@dataclass
class TrainState:
    """One generator in training after ``step`` steps, and those trained before it."""

    generator: MarketGenerator
    critic: MarketCritic
    generator_optimizer: optim.Adam
    critic_optimizer: optim.Adam
    average: MarketGenerator
    """Exponential average of the generator's weights."""
    best: MarketGenerator
    """The average at the check with the lowest validation score so far."""
    step: int = 0
    best_scores: dict[str, float] = field(default_factory=dict)
    """Of the check that ``best`` comes from; empty before the first healthy check."""
    best_step: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    """One record per check: step, terms of the objective, validation figures."""
    finished: list[Member] = field(default_factory=list)
    """Generators of the ensemble whose training has ended."""

    @classmethod
    def of(
        cls,
        generator: MarketGenerator,
        critic: MarketCritic,
        optimizers: tuple[optim.Adam, optim.Adam],
    ) -> "TrainState":
        """The state before the first step."""
        average = copy.deepcopy(generator).requires_grad_(False)
        return cls(generator, critic, *optimizers, average, copy.deepcopy(average))

    @property
    def members(self) -> list[Member]:
        """The generators so far; the last is the one in training."""
        current = Member(self.best, self.step, self.best_step, self.best_scores, self.curve)
        return [*self.finished, current]

    @property
    def steps_done(self) -> int:
        """Steps of all generators so far."""
        return sum(member.n_steps for member in self.members)

    @property
    def _modules(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator,
            "critic": self.critic,
            "average": self.average,
            "best": self.best,
        }

    @property
    def _optimizers(self) -> dict[str, optim.Adam]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
        }

    def save(self, directory: Folder, identity: Mapping[str, str]) -> Folder:
        """Write a checkpoint and drop all but the newest ``KEPT``.

        Args:
            directory: Of the run; made if need be.
            identity: What the run is a function of (config and data digests); checked on resume.

        Raises:
            StoreError: If it cannot be written; older checkpoints are untouched then.
        """
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self._tensors().items()}
        record = json.dumps(
            {
                "members": [_record(member) for member in self.members],
                "identity": dict(identity),
            },
            sort_keys=True,
            allow_nan=False,
        )
        header = {"record": record, "sha256": _digest(tensors, record)}
        path = directory / f"step-{self.steps_done:09d}.safetensors"
        with whole_file(str(path)) as file:
            file.write(to_safetensors(tensors, header))
        for older in _checkpoints(directory)[KEPT:]:
            older.unlink(missing_ok=True)
        return path

    def restore(self, directory: Folder, identity: Mapping[str, str]) -> bool:
        """Continue from the newest checkpoint that verifies; False when there is none at all.

        Every worker continues from the one that the first worker finds, whatever it sees itself.

        Raises:
            CheckpointError: If the checkpoints are another run's, or all are damaged.
        """
        device = next(self.generator.parameters()).device
        content = from_first_worker(lambda: _newest_whole(directory, identity), device)
        if not content:
            return False
        loaded = _verified(content)
        assert loaded is not None
        self._fill(*loaded)
        return True

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {
            f"{name}.{key}": value
            for name, module in self._modules.items()
            for key, value in module.state_dict().items()
        }
        for number, member in enumerate(self.finished):
            weights = member.generator.state_dict()
            tensors |= {f"finished.{number}.{key}": value for key, value in weights.items()}
        for name, optimizer in self._optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        return tensors

    def _fill(self, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
        for name, module in self._modules.items():
            module.load_state_dict(_under(tensors, name))
        for name, optimizer in self._optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, name).items():
                index, _, moment = key.partition(".")
                moments.setdefault(int(index), {})[moment] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments, "param_groups": groups})
        *finished, current = record["members"]
        self.finished = []
        for number, ended in enumerate(finished):
            generator = copy.deepcopy(self.best)
            generator.load_state_dict(_under(tensors, f"finished.{number}"))
            self.finished.append(Member(generator, **ended))
        self.step, self.best_step = current["n_steps"], current["best_step"]
        self.best_scores, self.curve = current["best_scores"], current["curve"]


def _record(member: Member) -> dict[str, Any]:
    """A member but for its weights."""
    names = ("n_steps", "best_step", "best_scores", "curve")
    return {name: getattr(member, name) for name in names}


def latest_step(directory: Folder) -> int | None:
    """Step of the newest checkpoint of a run; None when there is none."""
    newest = newest_checkpoint(directory)
    return None if newest is None else int(newest.name[5:14])


def newest_checkpoint(directory: Folder) -> Folder | None:
    """The newest checkpoint of a run; None when there is none."""
    return next(iter(_checkpoints(directory)), None)


def _checkpoints(directory: Folder) -> list[Folder]:
    """Checkpoints of a run, the newest first: by step, never by clock."""
    if not directory.is_dir():
        return []
    found = [path for path in directory.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def _newest_whole(directory: Folder, identity: Mapping[str, str]) -> bytes:
    """The newest checkpoint that verifies; nothing when there is none at all."""
    paths = _checkpoints(directory)
    for path in paths:
        content = _content(path)
        loaded = _verified(content)
        if loaded is None:
            continue
        for key, value in identity.items():
            if loaded[1]["identity"].get(key) != value:
                raise CheckpointError(
                    f"{path}: is a checkpoint of another run: its {key} differs;"
                    " resume with the same prices and configuration, or start without --resume"
                )
        return content
    if paths:
        raise CheckpointError(
            f"{directory}: no checkpoint is whole, the newest is {paths[0].name};"
            " delete the directory to start again"
        )
    return b""


def _content(path: Folder) -> bytes:
    """What a checkpoint holds; nothing where it cannot be read, as if it were damaged."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _verified(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and record of a checkpoint; None when a byte of it is not as written."""
    try:
        tensors = from_safetensors(content)
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    except (SafetensorError, ValueError):
        return None
    record = header.get("record", "")
    if header.get("sha256") != _digest(tensors, record):
        return None
    return tensors, json.loads(record)


def _digest(tensors: Mapping[str, Tensor], record: str) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _under(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
