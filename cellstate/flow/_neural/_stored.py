"""Networks as they are stored: weights, units, and what each adds to a flow."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class Network(Result):
    """A fully connected network with tanh units; the last layer is linear.

    Attributes
    ----------
    sizes
        Units of every layer, inputs first, shape (layers + 1,).
    weights
        All weights, float32: for each layer its matrix (inputs, outputs) row by row,
        then its offsets.
    """

    kind: ClassVar[str] = "network"
    sizes: np.ndarray
    weights: np.ndarray

    @property
    def layout(self) -> tuple[str, ...]:
        """Name and shape of each piece of `weights`, in order."""
        pieces = []
        for k, (a, b) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            pieces += [f"matrix {k + 1}: {a} x {b}", f"offsets {k + 1}: {b}"]
        return tuple(pieces)


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame(Result):
    """Units in which networks see states and times, and answer.

    Attributes
    ----------
    center, scale
        States enter as ``(x - center) / scale``, each (d,).
    speed
        Unit of a drift, (d,), per h.
    mobility
        M in a gradient drift ``-M grad V``, (d, d).
    energy
        Unit of a potential.
    rate
        Unit of growth, 1/h.
    time_center, time_scale
        Time enters as ``(t - time_center) / time_scale``; without a scale it does not.
    group
        Matrices of a symmetry, (g, d, d), or None.
    fixed_point
        State that the symmetry leaves where it is, (d,).
    """

    kind: ClassVar[str] = "network_frame"
    center: np.ndarray
    scale: np.ndarray
    speed: np.ndarray
    mobility: np.ndarray
    energy: float
    rate: float
    fixed_point: np.ndarray
    time_center: float = 0.0
    time_scale: float | None = None
    group: np.ndarray | None = None

    @property
    def turns(self) -> np.ndarray:
        """Matrices over which fields are averaged; the identity alone without any."""
        return np.eye(self.center.size)[None] if self.group is None else self.group


@dataclass(frozen=True, eq=False, kw_only=True)
class Networks:
    """What is added to a base; a network that is None adds nothing.

    Attributes
    ----------
    frame
        Units.
    drift_kind
        "free", "gradient" or "split".
    free, psi, root, growth
        Networks: free drift, potential, diffusion, growth.
    """

    frame: Frame
    drift_kind: str
    free: Network | None = None
    psi: Network | None = None
    root: Network | None = None
    growth: Network | None = None
