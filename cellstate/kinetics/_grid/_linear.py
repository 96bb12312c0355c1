"""Sparse linear systems with their residual."""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

DIRECT = 70_000  # unknowns up to which a system is factorised
LARGEST_RESIDUAL = 1e-10
TIGHT = 1e-11  # asked of the iterations


class Solver:
    """Solves A x = b and A' x = b.

    `residual` is the largest one met: norm of A x - b over that of abs(A) abs(x) +
    abs(b).

    Up to 70,000 unknowns by a sparse LU factorisation, above by BiCGSTAB, and GMRES
    where that fails, with an incomplete one.
    """

    def __init__(self, matrix: sparse.sparray, what: str) -> None:
        self.matrix, self.what, self.residual = sparse.csc_array(matrix), what, 0.0
        self._direct = matrix.shape[0] <= DIRECT
        # The matrices have weakly dominant diagonals: no pivots are needed.
        if self._direct:
            self._lu = linalg.splu(
                self.matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        else:
            # Other orders than that of the grid make the iterations ten times as many.
            self._lu = linalg.spilu(
                self.matrix,
                drop_tol=1e-2,
                fill_factor=5,
                permc_spec="NATURAL",
                diag_pivot_thresh=0.0,
            )

    def solve(
        self,
        right: np.ndarray,
        *,
        transposed: bool = False,
        guess: np.ndarray | None = None,
    ) -> np.ndarray:
        """Solve for one right side (n,), or raise FloatingPointError."""
        turned = self.matrix.T if transposed else self.matrix
        if not right.any():
            return np.zeros_like(right)
        mode = "T" if transposed else "N"
        if self._direct:
            x = self._lu.solve(right, mode)
            x += self._lu.solve(right - turned @ x, mode)  # one refinement
        else:
            x = self._iterate(turned, right, mode, guess)
        size = np.linalg.norm(abs(turned) @ np.abs(x) + np.abs(right))
        residual = float(np.linalg.norm(turned @ x - right) / size)
        if not residual <= LARGEST_RESIDUAL:
            raise FloatingPointError(
                f"the solve for {self.what} left a relative residual of "
                f"{residual:.2g} with {right.size} unknowns; expected "
                f"{LARGEST_RESIDUAL:g}. Take a smaller box or fewer cells."
            )
        self.residual = max(self.residual, residual)
        return x

    def _iterate(
        self, turned: sparse.sparray, right: np.ndarray, mode: str, guess: np.ndarray
    ) -> np.ndarray:
        incomplete = linalg.LinearOperator(
            turned.shape, lambda v: self._lu.solve(v, mode), dtype=float
        )
        settings = {"rtol": TIGHT, "atol": 0.0, "M": incomplete}
        turned = sparse.csr_array(turned)
        x, failed = linalg.bicgstab(turned, right, guess, maxiter=2000, **settings)
        if failed:
            x, failed = linalg.gmres(
                turned, right, guess, restart=100, maxiter=20, **settings
            )
        if failed:
            left = np.linalg.norm(turned @ x - right) / np.linalg.norm(right)
            raise FloatingPointError(
                f"the iterations for {self.what} stopped at {left:.2g} of the right "
                f"side with {right.size} unknowns; expected {TIGHT:g}. Take fewer "
                "cells or a smaller box."
            )
        return x
