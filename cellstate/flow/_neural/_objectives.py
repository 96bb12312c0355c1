"""What each part of a model minimises."""

import numpy as np
import torch
from torch import Tensor

from cellstate.flow._neural._given import Births
from cellstate.flow._neural._nets import (
    Units,
    averaged,
    free_field,
    gradient_field,
    growth_field,
    layers,
    n_weights,
    root_matrix,
)
from cellstate.flow._neural._rows import Rows
from cellstate.flow._neural._step_rows import Spreads
from cellstate.flow._neural._stored import Frame


class DriftObjective:
    """Steps and bridges, for the drift's networks.

    Weights are those of the potential network, then those of the free one; either may
    be absent. In a split drift the size of the free part costs `circulation` times
    what it would explain.
    """

    def __init__(
        self, sources: list[Rows], frame: Frame, sizes: dict[str, list[int]],
        circulation: float, device: str,
    ) -> None:  # fmt: skip
        names = Rows.__dataclass_fields__
        self.sources = [
            {n: tensor(getattr(s, n), device) for n in names if n != "unit"}
            for s in sources
        ]
        self.sizes = [s.size for s in sources]
        self.units = Units(frame, self.sources[0]["center"])
        self.net_sizes, self.circulation = sizes, circulation

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Loss with the cost of circulation, (k,)."""
        return self._losses(weights, source, rows, self.circulation)

    def likelihoods(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Negative log-likelihood up to a constant, (k,)."""
        return self._losses(weights, source, rows, 0.0)

    def corrections(self, weights: Tensor, x: Tensor, t: Tensor) -> list[Tensor]:
        """Drifts of the networks at states: gradient part, free part."""
        found, start = [], 0
        for name, sizes in self.net_sizes.items():
            stop = start + n_weights(sizes)
            field = gradient_field if name == "psi" else free_field
            own = layers(weights[start:stop], sizes)
            found.append(averaged(field, own, self.units, x, t))
            start = stop
        return found

    def mean_corrections(
        self, weights: Tensor, source: int, rows: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Half the sum and half the difference at the two points; free part's mean."""
        s = {n: v[rows] for n, v in self.sources[source].items()}
        center, ahead = s["center"], s["ahead"]
        if ahead.any():
            with torch.no_grad():
                moved = sum(self.corrections(weights, center, s["time"]))
            center = center + ahead[:, None] * moved
            pairs = torch.cat([center + s["spread"], center - s["spread"]])
            parts = self.corrections(weights, pairs, s["time"].repeat(2))
            halves = [part.chunk(2) for part in parts]
        else:
            parts = self.corrections(weights, center, s["time"])
            halves = [(part, part) for part in parts]
        up, down = (sum(half[i] for half in halves) for i in (0, 1))
        last = (halves[-1][0] + halves[-1][1]) / 2
        return (up + down) / 2, (up - down) / 2, last

    def means(self, weights: Tensor, source: int) -> np.ndarray:
        """Mean correction of every row of a source, (n, d)."""
        found = []
        with torch.no_grad():
            for rows in torch.arange(self.sizes[source]).split(20_000):
                at = rows.to(weights.device)
                found.append(self.mean_corrections(weights, source, at)[0].cpu())
        return torch.cat(found).double().numpy()

    def _losses(self, weights, source, rows, circulation) -> Tensor:
        s = self.sources[source]
        mean, half, last = self.mean_corrections(weights, source, rows)
        matrix = s["matrix"][rows]
        left = s["residual"][rows] - _apply(matrix, mean)
        loss = (left**2).sum(1) / 2 - (s["lean"][rows] * half).sum(1)
        if circulation:
            loss = loss + circulation * (_apply(matrix, last) ** 2).sum(1) / 2
        return s["weight"][rows] * loss


class DiffusionObjective:
    """Residuals of steps, for the diffusion's network."""

    def __init__(
        self, rows: Spreads, frame: Frame, sizes: list[int], device: str
    ) -> None:
        self.x, self.time = tensor(rows.x, device), tensor(rows.time, device)
        self.residual = tensor(rows.residual, device)
        self.noise = None if rows.noise is None else tensor(rows.noise, device)
        self.sizes, self.net_sizes = [len(rows.x)], sizes
        self.units = Units(frame, self.x)

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Negative log-likelihood up to a constant, (k,)."""
        found = layers(weights, self.net_sizes)
        root = root_matrix(found, self.units, self.x[rows], self.time[rows])
        if self.noise is not None:
            covariance = root @ root.transpose(1, 2) + self.noise[rows]
            root = torch.linalg.cholesky(covariance)
        left = torch.linalg.solve_triangular(
            root, self.residual[rows][..., None], upper=False
        )[..., 0]
        size = torch.log(torch.diagonal(root, dim1=1, dim2=2)).sum(1)
        return (left**2).sum(1) / 2 + size

    likelihoods = losses


class GrowthObjective:
    """Counts of divisions less deaths, for the growth's network.

    Least squares, the variance of a count being the hours times the overall rate.
    """

    def __init__(
        self, births: Births, known: np.ndarray, frame: Frame, sizes: list[int],
        device: str,
    ) -> None:  # fmt: skip
        self.x, self.time = tensor(births.x, device), tensor(births.time, device)
        left = (births.net / births.hours - known) * np.sqrt(births.hours / births.rate)
        self.left = tensor(left, device)
        self.size = tensor(np.sqrt(births.hours / births.rate), device)
        self.sizes, self.net_sizes = [len(births.x)], sizes
        self.units = Units(frame, self.x)

    def losses(self, weights: Tensor, source: int, rows: Tensor) -> Tensor:
        """Half the squared, scaled residual, (k,)."""
        found = layers(weights, self.net_sizes)
        x, t = self.x[rows], self.time[rows]
        rate = averaged(growth_field, found, self.units, x, t)
        return (self.left[rows] - self.size[rows] * rate) ** 2 / 2

    likelihoods = losses


def _apply(matrices: Tensor, vectors: Tensor) -> Tensor:
    return (matrices * vectors[:, None, :]).sum(2)


def tensor(values: np.ndarray, device: str | torch.device) -> Tensor:
    """Single precision, on the device."""
    return torch.tensor(values, dtype=torch.float32, device=device)
