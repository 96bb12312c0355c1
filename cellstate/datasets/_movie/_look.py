"""How a hidden state shows in size, contour, brightness, texture and polarity."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import positive
from cellstate.datasets._movie._optics import not_negative
from cellstate.datasets._movie._shape import HIGHEST

STRONGEST = 0.95  # dipole: beyond 1 the dim side would be darker than nothing


@dataclass(frozen=True, kw_only=True)
class Affine:
    """offset + slopes . z of hidden states z, kept between `low` and `high`.

    Parameters
    ----------
    offset
        Value at z = 0.
    slopes
        Change per unit of each hidden coordinate.
    low, high
        Ends between which the value is held.

    Examples
    --------
    >>> rule = Affine(offset=1.0, slopes=(0.5, 0.0), high=1.4)
    >>> rule(np.array([[0.0, 3.0], [0.5, 0.0], [2.0, 0.0]]))
    array([1.  , 1.25, 1.4 ])
    """

    offset: float
    slopes: tuple[float, ...]
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, state: np.ndarray) -> np.ndarray:
        """Value for states (n, d), shape (n,)."""
        if state.shape[-1] != len(self.slopes):
            raise ValueError(
                f"an Affine has one slope per hidden coordinate; found "
                f"{len(self.slopes)} slopes for states with {state.shape[-1]}."
            )
        return np.clip(self.offset + state @ np.array(self.slopes), self.low, self.high)


Quantity = float | Affine | Callable[[np.ndarray], ArrayLike]


@dataclass(frozen=True, kw_only=True)
class Individuality:
    """What makes cells in the same state look different, changing slowly.

    Every deviation is a stationary Ornstein-Uhlenbeck process that daughters take
    over from their mother.

    Parameters
    ----------
    size, intensity, texture
        Standard deviations of the logarithms of radius, brightness and correlation
        length.
    shape
        Standard deviation of the mode k = 2, both components; of k, 2 / k of that.
    dipole
        Standard deviation of the dipole.
    time
        Hours over which a deviation correlates.
    """

    size: float = 0.05
    shape: float = 0.02
    intensity: float = 0.1
    texture: float = 0.08
    dipole: float = 0.04
    time: float = 6.0

    def __post_init__(self) -> None:
        for name in ("size", "shape", "intensity", "texture", "dipole"):
            not_negative(getattr(self, name), name, "standard deviation")
        positive(self.time, "time", "h", "Individuality(time=6.0)")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How cells look: each quantity a number, an `Affine`, or a function of states.

    A function takes hidden states (n, d) and gives n values.

    Parameters
    ----------
    radius
        Of a newborn cell, um, of the circle with her area.
    harmonics
        a_2, a_3, ... up to a_6, along the cell's own axis; a negative value points
        the wave the other way.
    intensity
        Mean brightness; 1 gives `Optics.photons` per pixel.
    texture_length
        Correlation length of the texture, um.
    dipole
        p of the factor 1 + p cos(theta - axis); between -0.95 and 0.95.
    contrast
        Standard deviation of the texture, relative to the brightness.
    dome
        How much dimmer the rim is than the middle, 0 to 1: light falls with the
        square of the distance.
    memory
        Hours over which a texture keeps its pattern.
    individuality
        Deviations of single cells.
    """

    radius: Quantity = 8.0
    harmonics: tuple[Quantity, ...] = (0.06, 0.02)
    intensity: Quantity = 1.0
    texture_length: Quantity = 2.0
    dipole: Quantity = 0.0
    contrast: float = 0.25
    dome: float = 0.5
    memory: float = 6.0
    individuality: Individuality = field(default_factory=Individuality)

    def __post_init__(self) -> None:
        if len(self.harmonics) > HIGHEST - 1:
            raise ValueError(
                f"`harmonics` are a_2 to a_{HIGHEST}, {HIGHEST - 1} at most; found "
                f"{len(self.harmonics)}."
            )
        for name, high in (("contrast", 1.0), ("dome", 1.0)):
            if not 0 <= getattr(self, name) <= high:
                raise ValueError(
                    f"`{name}` lies between 0 and {high:g}; found "
                    f"{getattr(self, name)!r}."
                )
        positive(self.memory, "memory", "h", "Look(memory=6.0)")


def value(
    quantity: Quantity,
    state: np.ndarray,
    name: str,
    low: float = -np.inf,
    high: float = np.inf,
) -> np.ndarray:
    """Values of a quantity for states (n, d), strictly above `low`, at most `high`."""
    found = np.asarray(quantity(state) if callable(quantity) else quantity, dtype=float)
    if found.shape not in ((), state.shape[:1]):
        raise ValueError(
            f"`{name}` gives one value per cell; for {len(state)} states it gave shape "
            f"{found.shape}."
        )
    found = np.broadcast_to(found, state.shape[:1]).copy()
    bad = ~((found > low) & (found <= high) & np.isfinite(found))
    if bad.any():
        raise ValueError(
            f"`{name}` of a look must lie between {low:g} and {high:g}; found "
            f"{found[bad][0]:g} for {int(bad.sum())} of {found.size} states, e.g. "
            f"{state[bad][0].tolist()}. Give the Affine a `low` and a `high`."
        )
    return found
