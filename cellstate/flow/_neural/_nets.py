"""Networks and the fields made of them, in torch."""

import itertools
import math

import torch
from torch import Tensor

from cellstate.flow._neural._stored import Frame

Layers = list[tuple[Tensor, Tensor]]


def n_weights(sizes: list[int]) -> int:
    """Number of weights of a network with these layers."""
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def layers(weights: Tensor, sizes: list[int]) -> Layers:
    """Cut the flat weights into matrices and offsets."""
    found, start = [], 0
    for a, b in itertools.pairwise(sizes):
        middle, stop = start + a * b, start + (a + 1) * b
        found.append((weights[start:middle].view(a, b), weights[middle:stop]))
        start = stop
    return found


def first_weights(sizes: list[int], source: torch.Generator) -> Tensor:
    """Random hidden layers; the last one is zero, so that the network is zero."""
    weights = torch.zeros(n_weights(sizes))
    for k, (matrix, offsets) in enumerate(layers(weights, sizes)):
        if k < len(sizes) - 2:
            matrix.normal_(0, 1 / math.sqrt(matrix.shape[0]), generator=source)
            offsets.uniform_(-1, 1, generator=source)
    return weights


def evaluate(found: Layers, x: Tensor) -> Tensor:
    """Outputs of a network at inputs (..., a), shape (..., b)."""
    for matrix, offsets in found[:-1]:
        x = torch.tanh(torch.addmm(offsets, x, matrix))
    matrix, offsets = found[-1]
    return torch.addmm(offsets, x, matrix)


def slope(found: Layers, x: Tensor) -> Tensor:
    """Derivatives of a network with one output at inputs (n, a), shape (n, a).

    Written out, so that training differentiates once and not twice.
    """
    kept = []
    for matrix, offsets in found[:-1]:
        x = torch.tanh(torch.addmm(offsets, x, matrix))
        kept.append(x)
    back = found[-1][0].T
    for (matrix, _), h in zip(found[-2::-1], kept[::-1], strict=True):
        back = (back * (1 - h * h)) @ matrix.T
    return back


class Units:
    """The frame of a model as tensors."""

    def __init__(self, frame: Frame, like: Tensor) -> None:
        def tensor(values):
            return torch.tensor(values, dtype=like.dtype, device=like.device)

        self.center, self.scale = tensor(frame.center), tensor(frame.scale)
        self.speed, self.mobility = tensor(frame.speed), tensor(frame.mobility)
        self.energy, self.rate = frame.energy, frame.rate
        self.time_center, self.time_scale = frame.time_center, frame.time_scale
        self.turns, self.fixed = tensor(frame.turns), tensor(frame.fixed_point)
        self.is_turned = frame.group is not None

    def inputs(self, x: Tensor, t: Tensor) -> Tensor:
        """What a network sees of states (n, d) at times (n,)."""
        z = (x - self.center) / self.scale
        if self.time_scale is None:
            return z
        return torch.cat([z, ((t - self.time_center) / self.time_scale)[:, None]], 1)

    def turned(self, x: Tensor) -> list[Tensor]:
        """States as each element of the symmetry moves them."""
        if not self.is_turned:
            return [x]
        return [self.fixed + (x - self.fixed) @ turn.T for turn in self.turns]


def free_field(found: Layers, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Drift of the free network, (n, d)."""
    return units.speed * evaluate(found, units.inputs(x, t))


def gradient_field(found: Layers, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Drift ``-M grad psi`` of the potential network, (n, d)."""
    rise = slope(found, units.inputs(x, t))[:, : x.shape[1]] / units.scale
    return -units.energy * rise @ units.mobility.T


def root_matrix(found: Layers, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Lower triangular E of the diffusion, exponentials on the diagonal, (n, d, d)."""
    d = x.shape[1]
    values = evaluate(found, units.inputs(x, t))
    below = torch.tril_indices(d, d, -1, device=x.device)
    out = torch.diag_embed(torch.exp(values[:, :d]))
    out[:, below[0], below[1]] = values[:, d:]
    return out


def growth_field(found: Layers, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Growth of the growth network, (n,)."""
    return units.rate * evaluate(found, units.inputs(x, t))[:, 0]


def averaged(field, found: Layers, units: Units, x: Tensor, t: Tensor) -> Tensor:
    """Average a vector field (or a number per state) over the symmetry."""
    if not units.is_turned:
        return field(found, units, x, t)
    parts = [field(found, units, turned, t) for turned in units.turned(x)]
    if parts[0].ndim == 2:
        parts = [v @ turn for v, turn in zip(parts, units.turns, strict=True)]
    return sum(parts) / len(parts)
