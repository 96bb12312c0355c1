"""The parts of a neural fit, trained one after the other."""

import time as clock
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import t as student
from torch import Tensor

from cellstate._base.progress import progress
from cellstate.flow._neural._bridge_rows import bridge_rows
from cellstate.flow._neural._checkpoint import EVERY, Checkpoint
from cellstate.flow._neural._data import Data, draw_held_out, held_out_units
from cellstate.flow._neural._devices import chosen_device, one_thread
from cellstate.flow._neural._history import TrainingHistory
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._nets import first_weights, n_weights
from cellstate.flow._neural._objectives import (
    DiffusionObjective,
    DriftObjective,
    GrowthObjective,
)
from cellstate.flow._neural._rows import Rows
from cellstate.flow._neural._step_rows import (
    left_by_drift,
    moves_of,
    step_rows,
    turned_moves,
)
from cellstate.flow._neural._stored import Frame, Network
from cellstate.flow._neural._train import Objective, Settings, Training

POINTS = 8  # per bridge
SURE = 0.95  # chance that a gain is above 0, to keep a network


@dataclass(frozen=True, eq=False)
class Options:
    """What is fitted, and how; see `fit_neural`."""

    kind: str
    diffusion: str
    hidden: tuple[int, ...]
    circulation: float
    held_out_share: float
    training: Settings
    n_rollout_rounds: int


class Session:
    """One neural fit."""

    def __init__(
        self, base: Any, data: Data, frame: Frame, options: Options,
        device: str, checkpoint: Checkpoint, seed: int,
    ) -> None:  # fmt: skip
        self.data, self.frame, self.options = data, frame, options
        self.base = NeuralModel(base=base, frame=frame, drift_kind=options.kind)
        self.device, self.said = chosen_device(device)
        self.checkpoint, self.seed = checkpoint, seed
        self.rng = np.random.default_rng(seed)
        self.tables: list[pd.DataFrame] = []
        self.parts: list[dict] = []
        self.unit_name = "pairs"

    def run(self) -> tuple[NeuralModel, TrainingHistory]:
        """Train every part that the data ask for."""
        begin = clock.perf_counter()
        with one_thread():
            sources, held = self._sources()
            self.checkpoint.check(self._fingerprint(sources), repr(self.options))
            objective, weights, kept = self._drift(sources, held)
            networks = self._drift_networks(weights) if kept else {}
            model = replace(self.base, **networks)
            if self.options.diffusion == "network" and self.data.steps is not None:
                unit = sources[0].unit
                model = self._diffusion(model, held[0], unit, objective, weights)
            if self.data.births is not None:
                model = self._growth(model)
            if self.options.n_rollout_rounds:
                model = self._rollout(model, objective, weights, sources, held)
        history = TrainingHistory(
            table=pd.concat(self.tables, ignore_index=True),
            parts=pd.DataFrame(self.parts),
            unit=self.unit_name,
            device=self.said,
            seconds=clock.perf_counter() - begin,
            seed=self.seed,
        )
        return model, history

    def _sources(self) -> tuple[list[Rows], list[np.ndarray]]:
        """Rows of steps and of bridges, and which of them are held out."""
        data, share = self.data, self.options.held_out_share
        sources, held = [], []
        if data.steps is not None:
            unit, self.unit_name = held_out_units(data.steps)
            moves = moves_of(data.x, data.time, data.steps, unit, data.noise)
            moves = turned_moves(moves, self.frame, self.rng)
            rows, self.spreads = step_rows(self.base, moves, self.rng)
            sources.append(rows)
            held.append(draw_held_out(unit, share, self.rng))
        if data.bridges is not None:
            first = 1 + max((int(s.unit.max()) for s in sources), default=-1)
            unit = first + np.arange(len(data.bridges.t0))
            rows, self.kicks = bridge_rows(
                self.base, data.bridges, unit, POINTS, self.rng
            )
            sources.append(rows)
            chosen = draw_held_out(unit, share, self.rng)
            held.append(chosen[rows.unit - first])
        return sources, held

    def _fingerprint(self, sources: list[Rows]) -> list[np.ndarray]:
        """Arrays that differ when the data do."""
        births, snapshots = self.data.births, self.data.snapshots
        found = [a for s in sources for a in (s.residual, s.matrix)]
        if births is not None:
            found += [births.x, births.hours, births.net]
        if snapshots is not None:
            found += [*snapshots.x, snapshots.times]
        return found

    def _drift(
        self, sources: list[Rows], held: list[np.ndarray]
    ) -> tuple[DriftObjective, Tensor, bool]:
        options = self.options
        objective = DriftObjective(
            sources, self.frame, self._drift_sizes(), options.circulation, self.device
        )
        start = self._start(list(objective.net_sizes.values()))
        units = [s.unit for s in sources]
        weights, kept = self._train("drift", objective, held, units, start)
        return objective, weights, kept

    def _drift_sizes(self) -> dict[str, list[int]]:
        kind, d = self.options.kind, self.frame.center.size
        sizes = {}
        if kind != "free":
            sizes["psi"] = self._sizes(1)
        if kind != "gradient":
            sizes["free"] = self._sizes(d)
        return sizes

    def _drift_networks(self, weights: Tensor) -> dict[str, Network]:
        found, start = {}, 0
        for name, sizes in self._drift_sizes().items():
            stop = start + n_weights(sizes)
            found[name] = _network(weights[start:stop], sizes)
            start = stop
        return found

    def _diffusion(
        self, model: NeuralModel, held: np.ndarray, unit: np.ndarray,
        drift: DriftObjective, weights: Tensor,
    ) -> NeuralModel:  # fmt: skip
        d = self.frame.center.size
        sizes = self._sizes(d * (d + 1) // 2)
        rows = left_by_drift(self.spreads, drift.means(weights, 0))
        objective = DiffusionObjective(rows, self.frame, sizes, self.device)
        start = self._start([sizes])
        found, kept = self._train("diffusion", objective, [held], [unit], start)
        return replace(model, root=_network(found, sizes)) if kept else model

    def _growth(self, model: NeuralModel) -> NeuralModel:
        births, sizes = self.data.births, self._sizes(1)
        known = self.base.growth_rate(births.x, births.time)
        objective = GrowthObjective(births, known, self.frame, sizes, self.device)
        held = draw_held_out(births.group, self.options.held_out_share, self.rng)
        start, units = self._start([sizes]), [births.group]
        found, kept = self._train("growth", objective, [held], units, start)
        return replace(model, growth=_network(found, sizes)) if kept else model

    def _rollout(
        self, model: NeuralModel, drift: DriftObjective, weights: Tensor,
        sources: list[Rows], held: list[np.ndarray],
    ) -> NeuralModel:  # fmt: skip
        """Fine-tune the drift by moving the cells of each snapshot to the next."""
        from cellstate.flow._neural import _rollout as rollout

        frame = self._timed_frame()
        sizes = [self.frame.center.size + 1, *self.options.hidden]
        sizes.append(self.frame.center.size)
        kicks = self.kicks
        objective = rollout.ScoreObjective(kicks, frame, sizes, self.device)
        known, learned = self._train(
            "score", objective, [held[-1]], [kicks.unit], self._start([sizes])
        )
        if not learned:  # without a score there is no probability flow
            return model
        share = self.options.held_out_share
        legs = rollout.make_legs(self.data.snapshots, share, self.rng)
        law = replace(model, free=None, psi=None)
        objective = rollout.RolloutObjective(
            drift, legs, law, known, sizes, frame, self.device
        )
        first = 1 + max(int(s.unit.max()) for s in sources)
        units = [s.unit for s in sources]
        units.append(first + np.arange(objective.sizes[-1]))
        self._start([])
        found, kept = self._train(
            "rollout", objective, [*held, objective.held], units, weights,
            replace(self.options.training, n_epochs=self.options.n_rollout_rounds),
        )  # fmt: skip
        return replace(model, **self._drift_networks(found)) if kept else model

    def _timed_frame(self) -> Frame:
        """Units with time: the density changes even where the drift does not."""
        t = self.data.times
        return replace(self.frame, time_center=t.mean(), time_scale=t.std())

    def _train(
        self, part: str, objective: Objective, held: list[np.ndarray],
        units: list[np.ndarray], start: Tensor, settings: Settings | None = None,
    ) -> tuple[Tensor, bool]:  # fmt: skip
        """Train a part; the weights kept, and whether they are not the start."""
        settings = settings or self.options.training
        training = Training(objective, held, start, settings, self.source, self.device)
        stored = self.checkpoint.part(part)
        if stored is not None:
            training.resume(stored)
        epochs = training.epochs()
        for state in progress(epochs, f"neural {part}", total=settings.n_epochs):
            if state.epoch % EVERY == 0 or state.reason:
                self.checkpoint.write(part, state.to_dict())
        return self._judge(part, training, units)

    def _judge(
        self, part: str, training: Training, units: list[np.ndarray]
    ) -> tuple[Tensor, bool]:
        """Keep the networks only if they are surely better on what was held out."""
        state = training.state
        gains = training.differences(state.best, units)
        error = float(gains.std(ddof=1) * np.sqrt(gains.size))
        sure = student.ppf(SURE, gains.size - 1)
        kept = state.best_epoch > 0 and gains.sum() > sure * error
        self.parts.append(
            {
                "part": part,
                "best_epoch": state.best_epoch if kept else 0,
                "gain": float(gains.sum()),
                "standard_error": error,
                "n_units": gains.size,
                "kept": "network" if kept else "base",
                "reason": state.reason,
            }
        )
        epochs = np.arange(len(state.held))
        losses = {"train_loss": state.train, "held_out_loss": state.held}
        self.tables.append(pd.DataFrame({"part": part, "epoch": epochs, **losses}))
        return (state.best if kept else training.start), kept

    def _sizes(self, n_outputs: int) -> list[int]:
        timed = self.frame.time_scale is not None
        return [self.frame.center.size + timed, *self.options.hidden, n_outputs]

    def _start(self, sizes: list[list[int]]) -> Tensor:
        """Weights to start from, and the source of randomness from here on."""
        seed = int(self.rng.integers(2**62))
        self.source = torch.Generator().manual_seed(seed)
        weights = [first_weights(one, self.source) for one in sizes]
        return torch.cat(weights) if weights else torch.zeros(0)


def _network(weights: Tensor, sizes: list[int]) -> Network:
    values = weights.detach().cpu().numpy().astype(np.float32)
    return Network(sizes=np.array(sizes), weights=values)
