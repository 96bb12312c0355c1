"""Designs to choose among, simple ones first, with their equations summed once."""

from collections.abc import Callable

import numpy as np

from cellstate.flow._basis import FieldBasis, gaussians_at, n_monomials, polynomials
from cellstate.flow._choice import RIDGES, Candidate
from cellstate.flow._design import FREE, GRADIENT, SPLIT, Design
from cellstate.flow._equations import (
    Equations,
    Moments,
    Rows,
    sum_equations,
    sum_moments,
)

Build = Callable[[FieldBasis, FieldBasis], Design]  # of free and of potential part
HIGHEST = 5  # degree of a free component; a potential has one more
MOST = 600  # coefficients
TESTED = 5  # degree of the functions by which held-out steps judge
STEPS_EACH = 15  # steps per coefficient of one component, at least
GAUSSIAN_RIDGES = (1e-4, 1e-3, 1e-2, 0.1, 1.0)
# Of the circulation in a split field; the gradient keeps a weak one.
SPLIT_RIDGES = (1e-3, 1e-2, 0.1, 1.0, 10.0)
GRADIENT_SHARE = 0.01


def highest_degree(form: str, d: int, n_steps: int) -> int:
    """Degree of the richest polynomial that the steps can carry, at least 1."""
    degree = 1
    while degree < HIGHEST:
        own = n_monomials(d, degree + 1)
        gradients = n_monomials(d, degree + 2) - 1
        size = {FREE: d * own, GRADIENT: gradients, SPLIT: gradients + d * own}[form]
        if size > MOST or own * STEPS_EACH > n_steps:
            break
        degree += 1
    return degree


def candidates(
    rows: Rows,
    form: str,
    mobility: np.ndarray,
    precision: np.ndarray,
    *,
    noise: np.ndarray | None = None,
    group: np.ndarray | None = None,
    ridge: float | None = None,
    rng: int | np.random.Generator | None = None,
) -> list[Candidate]:
    """Polynomials of rising degree, then Gaussians.

    Parameters
    ----------
    rows
        Steps.
    form
        "free", "gradient" or "split".
    mobility, precision, noise, group
        See `Design` and `sum_equations`.
    ridge
        The only strength to try; those that suit each design when None.
    rng
        Seed or Generator, for the landmarks.
    """
    x = rows.x[rows.first]
    x = x if group is None else images(x, group)
    build = _builder(form, mobility, group)
    top = highest_degree(form, x.shape[1], rows.size)
    tests = polynomials(x, min(top, TESTED))
    found = _of_degrees(rows, x, top, tests, build, precision, noise, ridge)
    design = build(gaussians_at(x, 1, rng), gaussians_at(x, 2, rng))
    if design.size <= MOST:
        equations = sum_equations(rows, design, precision, noise)
        moments = sum_moments(rows, tests, design, noise)
        found.append(_candidate(design, equations, moments, ridge))
    return found


def polynomial_candidates(
    rows: Rows, highest: int, precision: np.ndarray, noise: np.ndarray | None
) -> list[Candidate]:
    """Free polynomials up to a degree that the steps can carry."""
    x = rows.x[rows.first]
    d = x.shape[1]
    top = min(highest, highest_degree(FREE, d, rows.size))
    tests, build = polynomials(x, top), _builder(FREE, np.eye(d), None)
    return _of_degrees(rows, x, top, tests, build, precision, noise, None)


def _of_degrees(
    rows: Rows,
    x: np.ndarray,
    top: int,
    tests: FieldBasis,
    build: Build,
    precision: np.ndarray,
    noise: np.ndarray | None,
    ridge: float | None,
) -> list[Candidate]:
    """Polynomials of every degree; sums of the highest hold those of the others."""
    highest = polynomials(x, top), polynomials(x, top + 1)
    richest = build(*highest)
    equations = sum_equations(rows, richest, precision, noise)
    moments = sum_moments(rows, tests, richest, noise)
    found = []
    for degree in range(1, top + 1):
        design = build(highest[0].up_to(degree), highest[1].up_to(degree + 1))
        at = _positions(design, richest)
        found.append(_candidate(design, equations.part(at), moments.part(at), ridge))
    return found


def images(x: np.ndarray, group: np.ndarray) -> np.ndarray:
    """States and what the symmetry makes of them, about its fixed point 0."""
    return np.concatenate([x @ turn.T for turn in group])


def _builder(form: str, mobility: np.ndarray, group: np.ndarray | None) -> Build:
    def build(free: FieldBasis, potential: FieldBasis) -> Design:
        return Design(
            free=None if form == GRADIENT else free,
            potential=None if form == FREE else potential,
            mobility=mobility,
            group=group,
        )

    return build


def _positions(design: Design, top: Design) -> np.ndarray:
    """Where the coefficients of a design stand among those of the richest one."""
    positions = [np.arange(design.n_gradients)]
    if design.free is not None:
        for i in range(design.dimension):
            start = top.n_gradients + i * top.free.size
            positions.append(start + np.arange(design.free.size))
    return np.concatenate(positions)


def _candidate(
    design: Design, equations: Equations, moments: Moments, ridge: float | None
) -> Candidate:
    weights = _weights(design, equations)
    usual = RIDGES
    if design.form == SPLIT:
        usual = SPLIT_RIDGES
    elif (design.free or design.potential).gaussians is not None:
        usual = GAUSSIAN_RIDGES
    return Candidate(
        design, equations, moments, weights, usual if ridge is None else (float(ridge),)
    )


def _weights(design: Design, equations: Equations) -> np.ndarray:
    """Ridge per coefficient and hour: as much as the steps tell of it on average.

    Constant and linear components, and the quadratic part of a potential, are free;
    but in a split field every free component is held back: what a gradient explains
    is left to the gradient.
    """
    size = np.abs(np.diag(equations.m.sum(axis=0))) / equations.hours.sum()
    held = []
    if design.potential is not None:
        share = GRADIENT_SHARE if design.form == SPLIT else 1.0
        held.append(share * _roughness(design.potential, 2)[1:])
    if design.free is not None:
        own = _roughness(design.free, 1)
        own = np.ones_like(own) if design.form == SPLIT else own
        held += [own] * design.dimension
    gaussians = _is_gaussian(design)
    if gaussians.any():
        # One weight for all: the squares of their coefficients are a norm.
        size[gaussians] = size[gaussians].mean()
    return size * np.concatenate(held)


def _roughness(basis: FieldBasis, free_degree: int) -> np.ndarray:
    rough = np.ones(basis.size)
    rough[: basis.n_monomials] = basis.exponents.sum(axis=1) > free_degree
    return rough


def _is_gaussian(design: Design) -> np.ndarray:
    parts = []
    if design.potential is not None:
        at = np.arange(design.potential.size) >= design.potential.n_monomials
        parts.append(at[1:])
    if design.free is not None:
        at = np.arange(design.free.size) >= design.free.n_monomials
        parts += [at] * design.dimension
    return np.concatenate(parts)
