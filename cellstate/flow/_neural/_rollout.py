"""Fine-tuning by rollouts: cells of one snapshot, moved on, must look like the next.

Cells move by the probability-flow equation, whose paths have no noise and the same
density at every time as those of the flow: ``dx/dt = b - div D - D grad log p``, while
their weights grow by ``d log w / dt = g``. The score ``grad log p`` is learned from the
bridges beforehand. What the moved cells are judged by is the energy score of every
cell y of the next snapshot, ``E|X - y| - E|X - X'| / 2``, whose mean is least for the
true law (half the energy distance, up to a constant).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchdiffeq import odeint

from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._nets import Units, evaluate, layers
from cellstate.flow._neural._objectives import DriftObjective, tensor
from cellstate.flow._neural._rows import Kicks
from cellstate.flow._neural._stored import Frame
from cellstate.flow._weak import Snapshots

CELLS = 256  # of a snapshot, moved and compared
STEPS = 8  # of Runge-Kutta (order 4) between two snapshots
NUDGE = 1e-3  # of the spread: step of the differences of D
CLOSE = 1e-12  # square below which two cells count as one


class ScoreObjective:
    """Denoising: from a point on a bridge, guess the noise that put it there."""

    def __init__(
        self, kicks: Kicks, frame: Frame, sizes: list[int], device: str
    ) -> None:
        self.x, self.time = tensor(kicks.x, device), tensor(kicks.time, device)
        self.root, self.normal = (
            tensor(kicks.root, device),
            tensor(kicks.normal, device),
        )
        self.weight = tensor(kicks.weight, device)
        self.sizes, self.net_sizes = [len(kicks.x)], sizes
        self.units = Units(frame, self.x)

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Half the squared error of the noise, (k,)."""
        found = score(layers(weights, self.net_sizes), self.units, self.x[rows],
                      self.time[rows])  # fmt: skip
        guess = (self.root[rows].transpose(1, 2) @ found[..., None])[..., 0]
        return self.weight[rows] * ((guess + self.normal[rows]) ** 2).sum(1) / 2

    likelihoods = losses


def score(found: list, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Gradient of the logarithm of the density, (n, d)."""
    return evaluate(found, units.inputs(x, t)) / units.scale


@dataclass(frozen=True, eq=False)
class Leg:
    """Way from one snapshot to the next.

    Attributes
    ----------
    start
        Cells that are moved, (n, d).
    seen, held
        Cells of the next snapshot to train on and to hold out.
    times
        Begin and end (h).
    weight
        One over the mean distance of two cells, half of it.
    """

    start: np.ndarray
    seen: np.ndarray
    held: np.ndarray
    times: tuple[float, float]
    weight: float


def make_legs(
    snapshots: Snapshots, share: float, rng: np.random.Generator
) -> list[Leg]:
    """Draw the cells of every leg, and hold out a share of the targets."""
    legs = []
    for k in range(len(snapshots.x) - 1):
        here, there = (np.asarray(snapshots.x[i], dtype=float) for i in (k, k + 1))
        start = here[rng.permutation(len(here))[:CELLS]]
        order = rng.permutation(len(there))
        n_held = max(2, int(share * len(there)))
        held, seen = there[order[:n_held][:CELLS]], there[order[n_held:][:CELLS]]
        gaps = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        times = float(snapshots.times[k]), float(snapshots.times[k + 1])
        legs.append(Leg(start, seen, held, times, float(2 / gaps.mean())))
    return legs


class RolloutObjective:
    """Steps and bridges as before, and the legs as one more source.

    A row of that source is a leg (trained on) or, after them, a cell held out.
    """

    def __init__(
        self, drift: DriftObjective, legs: list[Leg], model: NeuralModel,
        score_weights: Tensor, score_sizes: list[int], frame: Frame, device: str,
    ) -> None:  # fmt: skip
        self.drift, self.legs, self.device = drift, legs, device
        self.leg_of_held = np.repeat(np.arange(len(legs)), [len(g.held) for g in legs])
        self.sizes = [*drift.sizes, len(legs) + len(self.leg_of_held)]
        self.flow = ProbabilityFlow(drift, model, score_weights, score_sizes, frame)

    @property
    def held(self) -> np.ndarray:
        """Which rows of the legs' source are held out."""
        return np.arange(self.sizes[-1]) >= len(self.legs)

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Loss per row; that of a leg counts all its cells, (k,)."""
        if source < len(self.drift.sizes):
            return self.drift.losses(weights, source, rows)
        return torch.stack([self._seen(weights, self.legs[int(k)]) for k in rows])

    def likelihoods(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Loss per row; rows of the legs may be held-out cells, (k,)."""
        if source < len(self.drift.sizes):
            return self.drift.likelihoods(weights, source, rows)
        found, numbers = [], rows.cpu().numpy()
        for number in numbers[numbers < len(self.legs)]:
            found.append(self._seen(weights, self.legs[number])[None])
        cells = numbers[numbers >= len(self.legs)] - len(self.legs)
        start = np.searchsorted(self.leg_of_held, np.arange(len(self.legs)))
        for k in np.unique(self.leg_of_held[cells]):
            of_leg = cells[self.leg_of_held[cells] == k] - start[k]
            found.append(self._scores(weights, self.legs[k], self.legs[k].held[of_leg]))
        return torch.cat(found)

    def _seen(self, weights: Tensor, leg: Leg) -> Tensor:
        return self._scores(weights, leg, leg.seen).sum()

    def _scores(self, weights: Tensor, leg: Leg, targets: np.ndarray) -> Tensor:
        x, mass = self.flow.moved(weights, leg.start, leg.times)
        return leg.weight * energy_scores(x, mass, tensor(targets, self.device))


def energy_scores(x: Tensor, mass: Tensor, targets: Tensor) -> Tensor:
    """``E|X - y| - E|X - X'| / 2`` of every target y for a weighted cloud X, (k,)."""
    share = mass / mass.sum()
    own = share @ _distances(x, x) @ share
    return share @ _distances(x, targets) - own / 2


class ProbabilityFlow(torch.nn.Module):
    """Velocity of cells without noise, and growth of their weights; for torchdiffeq."""

    def __init__(
        self, drift: DriftObjective, model: NeuralModel, score_weights: Tensor,
        score_sizes: list[int], frame: Frame,
    ) -> None:  # fmt: skip
        super().__init__()
        self.objective, self.model, self.units = drift, model, drift.units
        self.score_units = Units(frame, score_weights)
        self.score_layers = layers(score_weights, score_sizes)
        self.weights: Tensor | None = None

    def moved(
        self, weights: Tensor, start: np.ndarray, times: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """Cells at the end of a leg, and their weights."""
        self.weights = weights
        x = tensor(start, weights.device)
        at = torch.tensor(times, dtype=x.dtype, device=x.device)
        options = {"step_size": (times[1] - times[0]) / STEPS}
        begin = x, torch.zeros_like(x[:, 0])
        x, grown = odeint(self, begin, at, method="rk4", options=options)
        return x[-1], torch.exp(grown[-1])

    def forward(self, t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Time derivatives of states and log weights."""
        x, _ = state
        times = t.expand(len(x))
        found = score(self.score_layers, self.score_units, x, times)
        known, growth = _BaseMotion.apply(x, found, self.model, float(t))
        return known + sum(self.objective.corrections(self.weights, x, times)), growth


class _BaseMotion(torch.autograd.Function):
    """``b - div D - D s`` and growth of a model in numpy.

    Its derivative in x takes the slopes of the drift and, through s, those of the
    score; slopes of D and of the growth are left out, which changes the direction of a
    step of the training a little, never the loss.
    """

    @staticmethod
    def forward(ctx, x, found, model, t):
        states = x.detach().cpu().double().numpy()
        diffusion = model.diffusion(states, t)
        drift = model.drift(states, t) - divergence(model, states, t)
        slope = tensor(model.jacobian(states, t), x.device)
        wide = tensor(diffusion, x.device)
        ctx.save_for_backward(slope, wide)
        velocity = tensor(drift, x.device) - (wide @ found[..., None])[..., 0]
        return velocity, tensor(model.growth_rate(states, t), x.device)

    @staticmethod
    def backward(ctx, back, _):
        slope, wide = ctx.saved_tensors
        to_x = (slope.transpose(1, 2) @ back[..., None])[..., 0]
        to_score = -(wide.transpose(1, 2) @ back[..., None])[..., 0]
        return to_x, to_score, None, None


def divergence(model: NeuralModel, x: np.ndarray, t: float) -> np.ndarray:
    """``sum_j d D_ij / d x_j`` by central differences, (n, d)."""
    total = np.zeros_like(x)
    for j, step in enumerate(NUDGE * model.frame.scale):
        shift = step * (np.arange(x.shape[1]) == j)
        change = model.diffusion(x + shift, t) - model.diffusion(x - shift, t)
        total += change[:, :, j] / (2 * step)
    return total


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances; where two points coincide the slope is 0."""
    square = ((x[:, None] - y[None]) ** 2).sum(-1)
    return torch.sqrt(square.clamp_min(CLOSE))
