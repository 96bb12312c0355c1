"""Correlations between kin: autoregression on lineage trees, and modes of division."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import ncx2, norm

from cellstate._base.checks import fraction, integer
from cellstate._base.random import generator


@dataclass(frozen=True, eq=False, kw_only=True)
class LineageTrees:
    """Cells of many complete trees, mothers before daughters.

    Attributes
    ----------
    value
        Value of every cell, shape (n,).
    parent
        Index of the mother in these arrays, -1 for a founder, shape (n,).
    generation
        0 for a founder, shape (n,).
    tree
        Number of the tree, shape (n,).
    """

    value: np.ndarray
    parent: np.ndarray
    generation: np.ndarray
    tree: np.ndarray


def mothers(n_generations: int) -> np.ndarray:
    """Mother of every cell of one complete tree, -1 for the founder.

    Cell i has the daughters 2 i + 1 and 2 i + 2.

    Examples
    --------
    >>> mothers(3)
    array([-1,  0,  0,  1,  1,  2,  2])
    """
    n = integer(n_generations, "n_generations", 1)
    return (np.arange(2**n - 1) - 1) // 2


def kin_pairs(n_generations: int, u: int, v: int) -> np.ndarray:
    """Pairs of cells u and v generations below their last common ancestor.

    Parameters
    ----------
    n_generations
        Generations of the complete tree, numbered as in `mothers`.
    u, v
        Generations: (0, 1) mother and daughter, (1, 1) sisters, (2, 2) cousins.

    Returns
    -------
    ndarray
        Indices of the first (u below) and the second (v below), shape (n, 2); every
        unordered pair once where u = v.

    Examples
    --------
    >>> kin_pairs(3, 1, 2)
    array([[1, 5],
           [1, 6],
           [2, 3],
           [2, 4]])
    """
    n_generations = integer(n_generations, "n_generations", 1)
    u, v = integer(u, "u", 0), integer(v, "v", 0)
    if max(u, v) >= n_generations:
        raise ValueError(
            f"kin {u} and {v} generations down need {max(u, v) + 1} generations; "
            f"found n_generations={n_generations}."
        )
    top = np.arange(2 ** (n_generations - max(u, v)) - 1)
    if u == 0 or v == 0:
        blocks = [(_below(top, u), _below(top, v))]
    else:
        left, right = 2 * top + 1, 2 * top + 2
        blocks = [(_below(left, u - 1), _below(right, v - 1))]
        if u != v:
            blocks.append((_below(right, u - 1), _below(left, v - 1)))
    pairs = [
        np.stack(np.broadcast_arrays(a[:, :, None], b[:, None]), -1).reshape(-1, 2)
        for a, b in blocks
    ]
    return np.unique(np.concatenate(pairs), axis=0)


def _below(cells: np.ndarray, generations: int) -> np.ndarray:
    """All descendants a number of generations down, shape (n, 2**generations)."""
    width = 2**generations
    return cells[:, None] * width + width - 1 + np.arange(width)


@dataclass(frozen=True, kw_only=True)
class BifurcatingAR:
    """A daughter has a times her mother's value, plus noise that sisters share in part.

    x = a x_mother + sqrt(1 - a^2) e, with Var e = 1 and correlation rho between the e
    of sisters: mean 0 and variance 1 in every generation.

    Attributes
    ----------
    mother
        Coefficient a, the correlation of mother and daughter; above -1 and below 1.
    sister
        Correlation rho of the sisters' noise, -1 to 1.

    References
    ----------
    Cowan and Staudte, Biometrics 42, 769 (1986).

    Examples
    --------
    >>> law = BifurcatingAR(mother=0.7, sister=0.5)
    >>> [round(law.kin_correlation(u, u), 5) for u in (1, 2)]
    [0.745, 0.36505]
    """

    mother: float = 0.7
    sister: float = 0.5

    def __post_init__(self) -> None:
        if not abs(self.mother) < 1:
            raise ValueError(
                f"`mother` must lie between -1 and 1; found {self.mother!r}. At 1 no "
                "variance is stationary."
            )
        if not abs(self.sister) <= 1:
            raise ValueError(f"`sister` must lie in -1..1; found {self.sister!r}.")

    def kin_correlation(self, u: int, v: int) -> float:
        """Correlation of cells u and v generations below their last common ancestor.

        a^(u+v) on one line; a^(u+v-2) (a^2 + (1 - a^2) rho) on two.
        """
        u, v = integer(u, "u", 0), integer(v, "v", 0)
        a = self.mother
        if u == 0 or v == 0:
            return float(a ** (u + v))
        return float(a ** (u + v - 2) * (a**2 + (1 - a**2) * self.sister))

    def covariance(self, n_generations: int) -> np.ndarray:
        """Second route: covariance of a whole tree, numbered as in `mothers`.

        With B the matrix that takes each cell its mother's part, x = B x + noise, so
        the covariance is (I - B)^-1 N (I - B)^-T.
        """
        mother = mothers(n_generations)
        n, rest = len(mother), 1 - self.mother**2
        recursion, noise = np.eye(n), rest * np.eye(n)
        noise[0, 0] = 1.0
        cells = np.arange(1, n)
        recursion[cells, mother[1:]] = -self.mother
        first, second = cells[::2], cells[1::2]
        noise[first, second] = noise[second, first] = rest * self.sister
        half = np.linalg.solve(recursion, noise)
        return np.linalg.solve(recursion, half.T)

    def simulate(
        self,
        n_trees: int,
        n_generations: int,
        *,
        rng: int | np.random.Generator | None = None,
    ) -> LineageTrees:
        """Independent complete trees, founders drawn from the stationary law.

        Cell i of tree k stands at k (2**n_generations - 1) + i, with i as in `mothers`.
        """
        n_trees = integer(n_trees, "n_trees", 1)
        mother, rng = mothers(n_generations), generator(rng)
        n = len(mother)
        x = rng.standard_normal((n_trees, n))
        # Cells of odd number are first sisters: the second takes part of their noise.
        rho = self.sister
        x[:, 2::2] = rho * x[:, 1::2] + np.sqrt(1 - rho**2) * x[:, 2::2]
        spread = np.sqrt(1 - self.mother**2)
        for k in range(1, n_generations):
            cells = np.arange(2**k - 1, 2 ** (k + 1) - 1)
            x[:, cells] = self.mother * x[:, mother[cells]] + spread * x[:, cells]
        tree = np.repeat(np.arange(n_trees), n)
        parent = np.where(mother < 0, -1, np.arange(n_trees)[:, None] * n + mother)
        generation = np.repeat(np.arange(n_generations), 2 ** np.arange(n_generations))
        return LineageTrees(
            value=x.ravel(),
            parent=parent.ravel(),
            generation=np.tile(generation, n_trees),
            tree=tree,
        )


@dataclass(frozen=True, kw_only=True)
class DivisionModes:
    """Divisions into two stem cells (SS), one (SD) or none (DD), at given shares.

    Attributes
    ----------
    ss, sd, dd
        Shares of the modes, 0 or above, sum 1.

    Examples
    --------
    >>> modes = DivisionModes(ss=0.35, sd=0.5, dd=0.15)
    >>> round(modes.q, 6), round(modes.independent_discordance, 6), round(modes.phi, 4)
    (0.6, 0.48, -0.0417)
    """

    ss: float
    sd: float
    dd: float

    def __post_init__(self) -> None:
        shares = np.array([self.ss, self.sd, self.dd], dtype=float)
        if not ((shares >= 0).all() and abs(shares.sum() - 1) < 1e-9):
            raise ValueError(
                "shares of the modes must be 0 or above and sum to 1; found "
                f"{self.ss:g}, {self.sd:g}, {self.dd:g}."
            )

    @property
    def q(self) -> float:
        """Chance that a daughter is a stem cell."""
        return self.ss + self.sd / 2

    @property
    def independent_discordance(self) -> float:
        """Share of SD divisions if sisters chose independently: 2 q (1 - q)."""
        return 2 * self.q * (1 - self.q)

    @property
    def phi(self) -> float:
        """Correlation of the sisters' fates; below 0 where they differ too often."""
        if self.independent_discordance == 0:
            raise ValueError(f"with q = {self.q:g} all daughters are alike: no phi.")
        return 1 - self.sd / self.independent_discordance

    def power(self, n_pairs: float, level: float = 0.05) -> float:
        """Chance that n phi^2 of n pairs passes the chi-square test of independence."""
        threshold = norm.isf(fraction(level, "level") / 2) ** 2
        return float(ncx2.sf(threshold, 1, n_pairs * self.phi**2))

    def pairs_for_power(self, power: float = 0.8, level: float = 0.05) -> float:
        """Pairs of sisters needed to find them dependent: (z + z')^2 / phi^2."""
        z = norm.isf(fraction(level, "level") / 2) + norm.ppf(fraction(power, "power"))
        return float(z**2 / self.phi**2) if self.phi else np.inf

    def pairs_by_chi_square(self, power: float = 0.8, level: float = 0.05) -> float:
        """Second route to `pairs_for_power`: `power` solved for the number of pairs."""
        middle = self.pairs_for_power(power, level)
        if not np.isfinite(middle):
            return middle
        return float(
            brentq(lambda n: self.power(n, level) - power, middle / 10, 10 * middle)
        )

    def simulate(
        self,
        n_pairs: int,
        shape: tuple[int, ...] = (),
        *,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """Numbers of SS, SD and DD among n pairs, shape (*shape, 3)."""
        n_pairs = integer(n_pairs, "n_pairs", 1)
        return generator(rng).multinomial(n_pairs, [self.ss, self.sd, self.dd], shape)


def sister_phi(counts: ArrayLike) -> np.ndarray:
    """Correlation of the sisters' fates from numbers of SS, SD and DD, (..., 3).

    NaN where all daughters are alike.

    Examples
    --------
    >>> float(sister_phi([35, 50, 15]).round(4))
    -0.0417
    """
    counts = np.asarray(counts, dtype=float)
    q = (counts[..., 0] + counts[..., 1] / 2) / counts.sum(axis=-1)
    apart = counts[..., 1] / counts.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return 1 - apart / (2 * q * (1 - q))
