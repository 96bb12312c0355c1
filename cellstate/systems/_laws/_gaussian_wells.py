"""A landscape of Gaussian wells and hills in a quartic bowl, in any dimension."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import qmc

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.systems._diffusion import Gradient
from cellstate.systems._regions import Region

EDGE = 30.0  # V / D at the edge of the box above the bowl's bottom
BOUND = 1 << 12  # points that bound the density from above before drawing from it
ROOM = 1.2  # headroom of that bound between the points


@dataclass(frozen=True, kw_only=True)
class GaussianWells(Gradient):
    """V = bowl |x|^4 / 4 + sum_i height_i exp(-|x - center_i|^2 / (2 width_i^2)).

    Negative heights are wells, positive ones hills. It has no closed answers: both
    routes are numerical, which makes it a source of landscapes nobody tuned.

    Attributes
    ----------
    D
        Diffusion, kT.
    heights, centers, widths
        One per well: energy, point (d numbers), standard deviation.
    bowl
        Stiffness of the confinement.
    source, target
        A and B; there are none until they are given.

    Examples
    --------
    >>> law = GaussianWells(D=0.2, heights=(-1.0,), centers=((0.0,),), widths=(0.5,))
    >>> float(law.potential([0.0]))
    -1.0
    """

    name = "Gaussian wells"
    D: float = 0.2
    heights: tuple[float, ...] = (-1.0, -1.0)
    centers: tuple[tuple[float, ...], ...] = ((-1.0,), (1.0,))
    widths: tuple[float, ...] = (0.4, 0.4)
    bowl: float = 0.2

    def __post_init__(self) -> None:
        sizes = {len(self.heights), len(self.centers), len(self.widths)}
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(
                "every well has a height, a center and a width; found "
                f"{len(self.heights)}, {len(self.centers)} and {len(self.widths)}."
            )
        if len({len(c) for c in self.centers}) != 1:
            raise ValueError(f"centers have one dimension; found {self.centers}.")
        for width in self.widths:
            positive(width, "widths", "units of the state", "widths=(0.4, 0.4)")
        positive(self.bowl, "bowl", "energy per state^4", "bowl=0.2")
        super().__post_init__()

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        d = len(self.centers[0])
        return ("x", "y", "z")[:d] if d <= 3 else tuple(f"x{i + 1}" for i in range(d))

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Where the bowl alone is EDGE times D above everything inside."""
        deepest = sum(min(h, 0.0) for h in self.heights)
        reach = (4 * (EDGE * self.D - deepest) / self.bowl) ** 0.25
        return ((-reach, reach),) * len(self.centers[0])

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return None, None

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., d), shape (...)."""
        x = np.asarray(x, dtype=float)
        hills, _ = self._hills(x)
        return self.bowl * (x**2).sum(axis=-1) ** 2 / 4 + hills.sum(axis=-1)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., d), shape (..., d)."""
        x = np.asarray(x, dtype=float)
        hills, away = self._hills(x)
        slopes = -(hills[..., None] * away).sum(axis=-2)
        return self.bowl * (x**2).sum(axis=-1, keepdims=True) * x + slopes

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., d), shape (..., d, d)."""
        x = np.asarray(x, dtype=float)
        eye = np.eye(x.shape[-1])
        hills, away = self._hills(x)
        squares = away[..., :, None] * away[..., None, :]
        curved = squares - eye / np.square(self.widths)[:, None, None]
        bowl = (x**2).sum(axis=-1)[..., None, None] * eye
        bowl = bowl + 2 * x[..., :, None] * x[..., None, :]
        return self.bowl * bowl + (hills[..., None, None] * curved).sum(axis=-3)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states from e^(-V/D) by rejection in the box, shape (n, d)."""
        n, rng = integer(n, "n", 0), generator(rng)
        low, high = np.array(self.box).T
        spread = qmc.Halton(low.size, scramble=False).random(BOUND)
        lowest = self.potential(low + spread * (high - low)).min()
        lowest = min(lowest, self.potential(self.fixed_points().x).min())
        kept = np.empty((0, low.size))
        while len(kept) < n:
            x = rng.uniform(low, high, (max(1000, 4 * n), low.size))
            chance = np.exp(-(self.potential(x) - lowest) / self.D) / ROOM
            kept = np.concatenate([kept, x[rng.random(len(x)) < chance]])
        return kept[:n]

    def _hills(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each well's energy (..., k) and (x - center) / width^2 (..., k, d)."""
        away = x[..., None, :] - np.asarray(self.centers)
        widths = np.asarray(self.widths)
        hills = np.asarray(self.heights) * np.exp(
            -(away**2).sum(axis=-1) / (2 * widths**2)
        )
        return hills, away / widths[:, None] ** 2
