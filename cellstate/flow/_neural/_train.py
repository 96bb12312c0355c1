"""One training: AdamW, averaged weights, early stopping on what was held out."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

MEMORY = 2.0  # epochs over which weights are averaged
STEPS_EACH, BATCHES = 25, (32, 4096)  # steps in an epoch; rows in a step
EVALUATED = 20_000  # rows at once where no gradient is needed


class Objective(Protocol):
    """What is minimised: rows of one or more sources, each with a loss per row."""

    sizes: list[int]

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Loss of some rows of a source, with what the weights cost, (k,)."""
        ...

    def likelihoods(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Loss of some rows without such costs, (k,)."""
        ...


@dataclass(frozen=True)
class Settings:
    """How to train; see `fit_neural`."""

    n_epochs: int
    batch: int | None
    lr: float
    weight_decay: float
    patience: int


@dataclass
class State:
    """A training between two epochs; everything that resuming needs."""

    weights: Tensor
    averaged: Tensor
    best: Tensor
    optimiser: dict | None = None
    random: Tensor | None = None
    epoch: int = 0
    best_epoch: int = 0
    train: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    reason: str = ""

    def to_dict(self) -> dict:
        """Tensors, numbers, texts and lists only."""
        return dict(self.__dict__)


class Training:
    """Minimise an objective over the rows that are not held out."""

    def __init__(
        self,
        objective: Objective,
        held: list[np.ndarray],
        start: Tensor,
        settings: Settings,
        source: torch.Generator,
        device: str,
    ) -> None:
        self.objective, self.settings, self.source = objective, settings, source
        self.device = device
        most = max(len(h) for h in held)
        usual = int(np.clip(most // STEPS_EACH, *BATCHES))
        self.batch = settings.batch or usual
        self.held = [torch.from_numpy(np.flatnonzero(h)).to(device) for h in held]
        self.kept = [torch.from_numpy(np.flatnonzero(~h)).to(device) for h in held]
        start = start.to(device)
        self.state = State(start.clone(), start.clone(), start.clone())
        self.start = start.clone()

    def resume(self, stored: dict) -> None:
        """Go on from a stored state."""
        self.state = State(**stored)
        for name in ("weights", "averaged", "best"):
            setattr(self.state, name, getattr(self.state, name).to(self.device))

    def epochs(self):
        """Train epoch by epoch; yields after each one."""
        state, settings = self.state, self.settings
        weights = state.weights.requires_grad_(True)
        optimiser = torch.optim.AdamW(
            [weights], lr=settings.lr, weight_decay=settings.weight_decay
        )
        if state.optimiser is not None:
            optimiser.load_state_dict(state.optimiser)
        if state.random is not None:
            self.source.set_state(state.random)
        if not state.held:
            state.held.append(self._mean(self.start, self.held))
            state.train.append(self._mean(self.start, self.kept))
        while not state.reason:
            total = self._epoch(weights, optimiser)
            state.epoch += 1
            state.train.append(total)
            state.held.append(self._mean(state.averaged, self.held))
            self._judge()
            state.optimiser = optimiser.state_dict()
            state.random = self.source.get_state()
            state.weights = weights.detach()
            yield state

    def differences(self, weights: Tensor, units: list[np.ndarray]) -> np.ndarray:
        """Fall of the held-out loss from the start, per held-out unit."""
        total: dict[int, float] = {}
        for k, rows in enumerate(self.held):
            before = self._each(self.start, k, rows)
            after = self._each(weights, k, rows)
            codes = units[k][rows.cpu().numpy()]
            names, where = np.unique(codes, return_inverse=True)
            sums = np.bincount(where, before - after)
            total |= {int(n): total.get(int(n), 0.0) + s for n, s in
                      zip(names, sums, strict=True)}  # fmt: skip
        return np.array(list(total.values()))

    def _epoch(self, weights: Tensor, optimiser: torch.optim.Optimizer) -> float:
        orders = [
            rows[torch.randperm(len(rows), generator=self.source).to(self.device)]
            for rows in self.kept
        ]
        n_batches = max(-(-len(rows) // self.batch) for rows in orders)
        cuts = [torch.tensor_split(rows, n_batches) for rows in orders]
        n_rows = sum(len(rows) for rows in orders)
        share = 1 - np.exp(-1 / (MEMORY * n_batches))
        total = 0.0
        for pieces in zip(*cuts, strict=True):
            loss = sum(
                self.objective.losses(weights, k, rows).sum()
                for k, rows in enumerate(pieces)
                if len(rows)
            )
            loss = loss * (n_batches / n_rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            self.state.averaged.lerp_(weights.detach(), share)
            total += float(loss.detach()) / n_batches
        return total

    def _judge(self) -> None:
        state, settings = self.state, self.settings
        if not np.isfinite(state.held[-1]):
            state.reason = "the loss was no longer a finite number"
            return
        if state.held[-1] < state.held[state.best_epoch]:
            state.best_epoch = state.epoch
            state.best = state.averaged.clone()
        if state.epoch - state.best_epoch >= settings.patience:
            state.reason = f"no better on held-out rows for {settings.patience} epochs"
        elif state.epoch >= settings.n_epochs:
            state.reason = f"n_epochs={settings.n_epochs} reached"

    def _mean(self, weights: Tensor, rows: list[Tensor]) -> float:
        n = sum(len(r) for r in rows)
        total = sum(self._each(weights, k, r).sum() for k, r in enumerate(rows))
        return float(total / n)

    def _each(self, weights: Tensor, source: int, rows: Tensor) -> np.ndarray:
        found = [np.zeros(0)]
        with torch.no_grad():
            for part in torch.split(rows, EVALUATED):
                losses = self.objective.likelihoods(weights, source, part)
                found.append(losses.double().cpu().numpy())
        return np.concatenate(found)
