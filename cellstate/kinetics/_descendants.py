"""The chance that some descendant arrives: a quadratic equation at every division."""

import numpy as np

from cellstate.kinetics._committor import CommittorModel, Moments, solved
from cellstate.kinetics._moments import Divisions
from cellstate.statespace._smooth_basis import SmoothBasis

# Newton steps at most, and the relative residual at which they end.
NEWTON, CONVERGED = 50, 1e-9


def solve_any(
    basis: SmoothBasis,
    moments: Moments,
    divisions: Divisions,
    weight: np.ndarray,
    penalty: float,
) -> CommittorModel:
    """Solve for h: at a division h = h_1 + h_2 - h_1 h_2, otherwise as a committor.

    Newton's method from the line that follows one daughter at random; the residual of
    the quadratic system is kept.

    Parameters
    ----------
    moments
        Sums of pairs that count descendants, so that their solution alone would be
        h = h_1 + h_2.
    divisions
        Mothers and daughters, for the product.
    weight
        Of each group of lineages, shape (n_groups,).
    penalty
        Ridge strength.

    Raises
    ------
    FloatingPointError
        Newton's method did not settle.
    """
    each = weight[divisions.group]
    ridge = penalty * np.diag(basis.penalty())
    linear = moments.gram - moments.step + ridge
    size = max(np.linalg.norm(moments.met), 1e-300)
    # One daughter at random: half of what both would give.
    start = divisions.phi.T @ (each[:, None] * divisions.psi.sum(axis=0) / 2)
    one = moments.met - divisions.phi.T @ (each * divisions.met.sum(axis=0) / 2)
    coefficients = solved(basis, linear + start, one, penalty, 1.0).coefficients
    residual = np.inf
    for _ in range(NEWTON):
        daughters = divisions.expected(coefficients)
        product = divisions.phi.T @ (each * daughters[0] * daughters[1])
        off = linear @ coefficients - moments.met + product
        residual = np.linalg.norm(off) / size
        if residual < CONVERGED:
            break
        others = daughters[::-1, :, None]
        slope = divisions.phi.T @ (each[:, None] * (others * divisions.psi).sum(axis=0))
        step = solved(basis, linear + slope, off, penalty, 1.0).coefficients
        coefficients = coefficients - step
    else:
        raise FloatingPointError(
            f"the chance that some descendant arrives did not settle in {NEWTON} "
            f"Newton steps; relative residual {residual:.2g}. Give a larger penalty, "
            "or follow more cells."
        )
    return CommittorModel(
        basis=basis,
        coefficients=coefficients,
        penalty=float(penalty),
        residual=float(residual),
    )


def solve_any_within(
    basis: SmoothBasis,
    moments: Moments,
    divisions: Divisions,
    weight: np.ndarray,
    penalty: float,
    n_steps: int,
) -> CommittorModel:
    """Chance that some descendant meets B within `n_steps` steps of one frame."""
    each = weight[divisions.group]
    matrix = moments.gram + penalty * np.diag(basis.penalty())
    model = solved(basis, matrix, moments.at_once, penalty, 1.0)
    for _ in range(n_steps):
        daughters = divisions.expected(model.coefficients)
        product = divisions.phi.T @ (each * daughters[0] * daughters[1])
        right = moments.met + moments.step @ model.coefficients - product
        model = solved(basis, matrix, right, penalty, 1.0)
    return model
