"""Fates of kin: a Markov chain of types that runs down a lineage tree."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.systems._lineages._lineage_trees import LineageTrees, mothers


@dataclass(frozen=True, kw_only=True)
class FateTree:
    """Each daughter takes her type from her mother's, independently of her sister.

    Attributes
    ----------
    transition
        T_ij, the chance that a daughter of a cell of type i is of type j; rows of m
        numbers that sum to 1, as a tuple of tuples.

    References
    ----------
    Hormoz et al., Cell Systems 3, 419 (2016): kin correlation analysis.

    Examples
    --------
    >>> law = FateTree(transition=((0.9, 0.1), (0.3, 0.7)))
    >>> law.stationary().round(4)
    array([0.75, 0.25])
    >>> law.kin_frequencies(1, 1).round(4)  # sisters
    array([[0.63, 0.12],
           [0.12, 0.13]])
    """

    transition: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        matrix = self.matrix
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
        if not square or not np.allclose(matrix.sum(axis=1), 1) or (matrix < 0).any():
            sums = matrix.sum(axis=-1) if matrix.ndim else matrix
            raise ValueError(
                "`transition` is a square matrix of chances whose rows sum to 1; found "
                f"shape {matrix.shape}, rows that sum to {sums}. Divide them by it."
            )
        if null_space(matrix.T - np.eye(len(matrix))).shape[1] != 1:
            raise ValueError(
                "every type must be reached from one common set of types, so that one "
                f"stationary law exists; found {matrix.tolist()}."
            )

    @property
    def matrix(self) -> np.ndarray:
        """T, shape (m, m)."""
        return np.array(self.transition, dtype=float)

    def stationary(self) -> np.ndarray:
        """Shares pi of the types along a lineage, pi T = pi, shape (m,)."""
        pi = null_space(self.matrix.T - np.eye(len(self.matrix)))[:, 0]
        return pi / pi.sum()

    def kin_frequencies(self, u: int, v: int) -> np.ndarray:
        """Joint shares of the types of two kin, (T^u)^T diag(pi) T^v, shape (m, m).

        Parameters
        ----------
        u, v
            Generations of the first and the second below their last common ancestor:
            (0, 1) mother and daughter, (1, 1) sisters, (2, 2) cousins.
        """
        u, v = integer(u, "u", 0), integer(v, "v", 0)
        power = np.linalg.matrix_power
        return (
            power(self.matrix, u).T @ np.diag(self.stationary()) @ power(self.matrix, v)
        )

    def kin_frequencies_by_walk(self, u: int, v: int) -> np.ndarray:
        """Second route: up the tree with the reversed chain, then down again.

        The reversed chain pi_j T_ji / pi_i takes a cell to her mother; types without
        a share are never met.
        """
        u, v = integer(u, "u", 0), integer(v, "v", 0)
        values, vectors = np.linalg.eig(self.matrix.T)
        pi = vectors[:, np.argmin(np.abs(values - 1))].real
        pi = pi / pi.sum()
        shares = np.where(pi > 1e-14, pi, 1.0)
        up = pi * self.matrix.T / shares[:, None]
        joint = np.diag(pi)
        for _ in range(u):
            joint = joint @ up
        for _ in range(v):
            joint = joint @ self.matrix
        return joint

    def simulate(
        self,
        n_trees: int,
        n_generations: int,
        *,
        rng: int | np.random.Generator | None = None,
    ) -> LineageTrees:
        """Independent complete trees, founders drawn from the stationary shares.

        `value` holds the type; cells are numbered as in `BifurcatingAR.simulate`.
        """
        n_trees, rng = integer(n_trees, "n_trees", 1), generator(rng)
        mother = mothers(n_generations)
        n = len(mother)
        ends = np.cumsum(self.matrix, axis=1)[:, :-1]
        first = np.cumsum(self.stationary())[:-1]
        u = rng.random((n_trees, n))
        kind = np.empty((n_trees, n), dtype=np.int64)
        kind[:, 0] = np.searchsorted(first, u[:, 0])
        for k in range(1, n_generations):
            cells = np.arange(2**k - 1, 2 ** (k + 1) - 1)
            edges = ends[kind[:, mother[cells]]]
            kind[:, cells] = (u[:, cells, None] > edges).sum(axis=-1)
        generation = np.repeat(np.arange(n_generations), 2 ** np.arange(n_generations))
        parent = np.where(mother < 0, -1, np.arange(n_trees)[:, None] * n + mother)
        return LineageTrees(
            value=kind.ravel(),
            parent=parent.ravel(),
            generation=np.tile(generation, n_trees),
            tree=np.repeat(np.arange(n_trees), n),
        )
