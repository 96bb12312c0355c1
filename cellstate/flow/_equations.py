"""Normal equations of a field from steps along tracks, summed by fold.

A step from X_1 to X_2 has mean ``E[int b dt]``; over the step b is taken to be half
its value at either end, which is right to the second order in dt. Each equation is
multiplied by the fields at the step's beginning. Where positions carry measurement
noise it is multiplied by those at the frame *before* the step, X_0, whose noise has no
part in the step, so that it biases nothing (an instrumental variable).
"""

from dataclasses import dataclass, replace

import numpy as np

from cellstate.flow._basis import FieldBasis, blocks
from cellstate.flow._design import FREE, Design
from cellstate.sde import Steps

SINGLE = 50_000_000  # numbers beyond which single precision keeps memory small


@dataclass(frozen=True, eq=False)
class Rows:
    """Steps that are fitted, with the row whose fields multiply each one.

    Attributes
    ----------
    x
        States, shape (n, d).
    instrument, first, second
        Rows, each (m,).
    dt
        Hours, (m,).
    group, fold
        Code of the lineage and of the fold, (m,).
    """

    x: np.ndarray
    instrument: np.ndarray
    first: np.ndarray
    second: np.ndarray
    dt: np.ndarray
    group: np.ndarray
    fold: np.ndarray

    @property
    def size(self) -> int:
        """Number of steps."""
        return self.first.size

    @property
    def increments(self) -> np.ndarray:
        """Differences of the states, shape (m, d)."""
        return self.x[self.second] - self.x[self.first]

    @property
    def hours(self) -> float:
        """Total time of the steps."""
        return float(self.dt.sum())


@dataclass(frozen=True, eq=False)
class Equations:
    """Sums ``a c = b`` for coefficients c, one per fold.

    Attributes
    ----------
    a, b
        Shapes (folds, q, q) and (folds, q), in units of information: the inverse of
        ``a`` is the covariance of the coefficients.
    m
        Size of a field: ``c' m c`` is its square summed over the steps, (folds, q, q).
    known_a, known_b
        What snapshots add; it is never held out. Shapes (q, q) and (q,).
    hours
        Per fold, shape (folds,).
    """

    a: np.ndarray
    b: np.ndarray
    m: np.ndarray
    hours: np.ndarray
    known_a: np.ndarray | float = 0.0
    known_b: np.ndarray | float = 0.0

    def without(self, fold: int) -> "Equations":
        """What is left when one fold is held out, as a single fold."""
        kept = np.arange(len(self.hours)) != fold
        return Equations(
            self.a[kept].sum(axis=0, keepdims=True),
            self.b[kept].sum(axis=0, keepdims=True),
            self.m[kept].sum(axis=0, keepdims=True),
            self.hours[kept].sum(keepdims=True),
            self.known_a,
            self.known_b,
        )

    def knowing(self, a: np.ndarray, b: np.ndarray) -> "Equations":
        """Add what is known beside the steps."""
        return replace(self, known_a=a, known_b=b)

    def part(self, chosen: np.ndarray) -> "Equations":
        """Keep some of the coefficients."""
        a, m = (sums[:, chosen][:, :, chosen] for sums in (self.a, self.m))
        known_a, known_b = self.known_a, self.known_b
        if isinstance(known_a, np.ndarray):
            known_a, known_b = known_a[chosen][:, chosen], known_b[chosen]
        return Equations(a, self.b[:, chosen], m, self.hours, known_a, known_b)


def fitted_rows(x: np.ndarray, steps: Steps, fold: np.ndarray, *, noisy: bool) -> Rows:
    """Steps to fit; with measurement noise only those with a frame before.

    Parameters
    ----------
    x
        States, shape (n, d).
    steps
        m steps.
    fold
        Fold of each step, shape (m,).
    noisy
        Whether positions carry measurement noise.
    """
    kept = np.flatnonzero(steps.before >= 0) if noisy else np.arange(steps.size)
    instrument = steps.before if noisy else steps.first
    return Rows(
        x,
        instrument[kept],
        steps.first[kept],
        steps.second[kept],
        steps.dt[kept],
        steps.group[kept],
        fold[kept],
    )


def sum_equations(
    rows: Rows, design: Design, precision: np.ndarray, noise: np.ndarray | None = None
) -> Equations:
    """Sum over the steps of every fold.

    Parameters
    ----------
    rows
        Steps.
    design
        Fields.
    precision
        Inverse of twice the diffusion, shape (d, d).
    noise
        Covariance of the measurement noise (d, d); its smoothing of the fields is
        undone to the first order. None for none.
    """
    n_folds = int(rows.fold.max()) + 1
    parts = []
    for fold in range(n_folds):
        chosen = np.flatnonzero(rows.fold == fold)
        add = _kronecker if _separable(design) else _dense
        parts.append(add(rows, chosen, design, precision, noise))
    a, b, m = (np.stack(sums) for sums in zip(*parts, strict=True))
    hours = np.bincount(rows.fold, weights=rows.dt, minlength=n_folds)
    return Equations(a, b, m, hours)


def _separable(design: Design) -> bool:
    return design.form == FREE and design.group is None


def _kronecker(
    rows: Rows,
    chosen: np.ndarray,
    design: Design,
    precision: np.ndarray,
    noise: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Free components share their functions: one small sum does for all."""
    basis, d = design.free, design.dimension
    a, m = np.zeros((2, basis.size, basis.size))
    b = np.zeros((basis.size, d))
    for block in blocks(chosen.size):
        part = chosen[block]
        first, second = rows.first[part], rows.second[part]
        z = basis(rows.x[rows.instrument[part]])
        mean = basis(rows.x[first]) + basis(rows.x[second])
        if noise is not None:
            mean -= basis.curvature(rows.x[first], noise) / 2
            mean -= basis.curvature(rows.x[second], noise) / 2
        dt = rows.dt[part, None]
        a += z.T @ (mean * (dt / 2))
        m += z.T @ (z * dt)
        b += z.T @ (rows.x[second] - rows.x[first])
    return np.kron(precision, a), (precision @ b.T).ravel(), np.kron(precision, m)


def _dense(
    rows: Rows,
    chosen: np.ndarray,
    design: Design,
    precision: np.ndarray,
    noise: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    q = design.size
    a, b, m = np.zeros((q, q)), np.zeros(q), np.zeros((q, q))
    for block in blocks(chosen.size):
        part = chosen[block]
        first, second = rows.first[part], rows.second[part]
        fields = design.columns(rows.x[rows.instrument[part]])
        z = (precision @ fields).reshape(-1, q)
        mean = design.columns(rows.x[first]) + design.columns(rows.x[second])
        if noise is not None:
            mean -= _smoothed_away(design, rows.x[first], noise)
            mean -= _smoothed_away(design, rows.x[second], noise)
        dt = rows.dt[part, None, None]
        a += z.T @ (mean * (dt / 2)).reshape(-1, q)
        m += z.T @ (fields * dt).reshape(-1, q)
        b += z.T @ (rows.x[second] - rows.x[first]).ravel()
    return a, b, m


def _smoothed_away(design: Design, x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """What noise adds to the mean of the fields, by second differences along it."""
    values, vectors = np.linalg.eigh(noise)
    here, added = design.columns(x), np.zeros((*x.shape, design.size))
    for size, direction in zip(values, vectors.T, strict=True):
        if size > 0:
            step = np.sqrt(size) * direction
            added += design.columns(x + step) + design.columns(x - step) - 2 * here
    return added / 2


def residuals(rows: Rows, design: Design, coefficients: np.ndarray) -> np.ndarray:
    """Increments less the fitted drift, shape (m, d)."""
    field = np.zeros_like(rows.x)
    used = np.unique(np.concatenate([rows.first, rows.second]))
    field[used] = design.field(rows.x[used], coefficients)
    mean = (field[rows.first] + field[rows.second]) / 2
    return rows.increments - rows.dt[:, None] * mean


def scores(
    rows: Rows, design: Design, precision: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """Part of every step in the equations' right-hand side, shape (m, q).

    Parameters
    ----------
    left
        Residuals, shape (m, d).
    """
    m, q = rows.size, design.size
    values = np.empty((m, q), dtype=np.float32 if m * q > SINGLE else float)
    for part in blocks(m):
        at = rows.x[rows.instrument[part]]
        values[part] = design.along(at, left[part] @ precision)
    return values


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of test functions before each step times what a design makes of the step.

    Attributes
    ----------
    fields
        Of the mean fields over a step, per coefficient, (folds, r, d, q).
    seen
        Of the increments, (folds, r, d).
    gram
        Of the test functions with themselves, times hours, (folds, r, r).
    """

    fields: np.ndarray
    seen: np.ndarray
    gram: np.ndarray

    def part(self, chosen: np.ndarray) -> "Moments":
        """Keep some of the coefficients."""
        return replace(self, fields=self.fields[..., chosen])


def sum_moments(
    rows: Rows, tests: FieldBasis, design: Design, noise: np.ndarray | None
) -> Moments:
    """Sum the steps of every fold against test functions.

    Without an error of the drift, increments and fitted means have the same moments
    whatever the tests: they are functions of a state before the step, and know nothing
    of its noise.
    """
    n_folds, d = int(rows.fold.max()) + 1, design.dimension
    fields = np.zeros((n_folds, tests.size, d, design.size))
    seen = np.zeros((n_folds, tests.size, d))
    gram = np.zeros((n_folds, tests.size, tests.size))
    for fold in range(n_folds):
        chosen = np.flatnonzero(rows.fold == fold)
        for block in blocks(chosen.size):
            part = chosen[block]
            first, second = rows.first[part], rows.second[part]
            z = tests(rows.x[rows.instrument[part]])
            dt = rows.dt[part, None]
            seen[fold] += z.T @ (rows.x[second] - rows.x[first])
            gram[fold] += z.T @ (z * dt)
            fields[fold] += _mean_fields(rows, part, z * dt, design, noise)
    return Moments(fields, seen, gram)


def _mean_fields(
    rows: Rows,
    part: np.ndarray,
    z: np.ndarray,
    design: Design,
    noise: np.ndarray | None,
) -> np.ndarray:
    """Sum of z times the mean of every field over the steps, (r, d, q)."""
    first, second = rows.x[rows.first[part]], rows.x[rows.second[part]]
    r, d, q = z.shape[1], design.dimension, design.size
    if not _separable(design):
        mean = (design.columns(first) + design.columns(second)) / 2
        if noise is not None:
            mean -= _smoothed_away(design, first, noise) / 2
            mean -= _smoothed_away(design, second, noise) / 2
        return (z.T @ mean.reshape(len(z), -1)).reshape(r, d, q)
    mean = (design.free(first) + design.free(second)) / 2
    if noise is not None:
        mean -= design.free.curvature(first, noise) / 4
        mean -= design.free.curvature(second, noise) / 4
    sums, full = z.T @ mean, np.zeros((r, d, d, design.free.size))
    for i in range(d):
        full[:, i, i] = sums
    return full.reshape(r, d, q)
