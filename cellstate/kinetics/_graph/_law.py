"""What is known of the motion of each cell, checked and in states of unit diffusion."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.checks import matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class Law:
    """States with unit mean diffusion, and the drift and growth at them.

    Attributes
    ----------
    z
        States, shape (n, d): x as it is without a diffusion, else D^(-1/2) x with the
        mean of D over the cells.
    drift
        In z, in 1/h, (n, d); None for that of the density.
    inverse
        Inverse of the diffusion in z, (n, d, d); None when it is the same everywhere.
    growth
        1/h, (n,); None without.
    density
        Stationary density over that of the cells drawn, or None.
    known
        Cells of which all of this is finite, (n,).
    """

    z: np.ndarray
    drift: np.ndarray | None
    inverse: np.ndarray | None
    growth: np.ndarray | None
    density: np.ndarray | None
    known: np.ndarray

    def at(self, rows: np.ndarray) -> "Law":
        """The law at some cells."""

        def some(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[rows]

        return Law(
            z=self.z[rows],
            drift=some(self.drift),
            inverse=some(self.inverse),
            growth=some(self.growth),
            density=some(self.density),
            known=self.known[rows],
        )


def law(
    x: np.ndarray,
    drift: np.ndarray | None,
    diffusion: float | np.ndarray | None,
    growth: np.ndarray | None,
    density: np.ndarray | None,
) -> Law:
    """Check what was given and change to states of unit diffusion."""
    x = matrix(x, "x")
    n, d = x.shape
    _go_together(drift, diffusion, growth, density)
    drift = None if drift is None else _shaped(drift, "drift", (n, d))
    growth = None if growth is None else _shaped(growth, "growth", (n,))
    density = None if density is None else _shaped(density, "density", (n,))
    known = np.isfinite(x).all(axis=1)
    for values in (drift, growth, density):
        if values is not None:
            known &= np.isfinite(values).reshape(n, -1).all(axis=1)
    if density is not None and (density[known] <= 0).any():
        raise ValueError(
            f"`density` must be above 0; found {density[known].min():.3g}. Leave out "
            "cells that the law never visits."
        )
    inverse = None
    if diffusion is not None:
        diffusion, varies = _matrices(diffusion, n, d)
        known &= np.isfinite(diffusion).all(axis=(-2, -1))
        root = _inverse_root(diffusion[known].mean(axis=0) if varies else diffusion)
        x = x @ root
        drift = None if drift is None else drift @ root
        if varies:
            inverse = np.full((n, d, d), np.nan)
            inverse[known] = np.linalg.inv(root @ diffusion[known] @ root)
    return Law(
        z=x, drift=drift, inverse=inverse, growth=growth, density=density, known=known
    )


def _go_together(
    drift: np.ndarray | None,
    diffusion: float | np.ndarray | None,
    growth: np.ndarray | None,
    density: np.ndarray | None,
) -> None:
    """Say which of them is missing or one too many."""
    if drift is not None and diffusion is None:
        raise ValueError(
            "`drift` without `diffusion` does not fix the committor: their ratio "
            "counts. Give diffusion=, in squared units of the state per hour."
        )
    if growth is not None and diffusion is None:
        raise ValueError(
            "`growth` (1/h) needs `diffusion`: snapshots alone have no time scale. "
            "Give diffusion=, in squared units of the state per hour."
        )
    if drift is not None and density is not None:
        raise ValueError(
            "`drift` and `density` both fix the motion; found both. Give `drift` with "
            "`diffusion`, or `density` for reversible motion."
        )


def _shaped(values: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have shape {shape}, one row per cell; found {array.shape}."
        )
    return array


def _matrices(diffusion: float | np.ndarray, n: int, d: int) -> tuple[np.ndarray, bool]:
    """Diffusion as (d, d) or (n, d, d), and whether it is one per cell."""
    array = np.asarray(diffusion, dtype=float)
    if array.ndim == 0:
        array = array * np.eye(d)
    if array.shape not in ((d, d), (n, d, d)):
        raise ValueError(
            f"`diffusion` must be one number, or have shape ({d}, {d}) or "
            f"({n}, {d}, {d}); found {array.shape}."
        )
    finite = array[np.isfinite(array).all(axis=(-2, -1))]
    lopsided = np.abs(finite - np.swapaxes(finite, -2, -1)).max(initial=0)
    lowest = np.linalg.eigvalsh(finite).min(initial=np.inf)
    if not finite.size or lowest <= 0 or lopsided > 1e-8 * np.abs(finite).max():
        raise ValueError(
            "`diffusion` must be symmetric with eigenvalues above 0; found lowest "
            f"eigenvalue {lowest:.3g} and asymmetry {lopsided:.3g}."
        )
    return array, array.ndim == 3


def _inverse_root(diffusion: np.ndarray) -> np.ndarray:
    """D^(-1/2) of a symmetric matrix."""
    values, vectors = np.linalg.eigh(diffusion)
    return (vectors / np.sqrt(values)) @ vectors.T
