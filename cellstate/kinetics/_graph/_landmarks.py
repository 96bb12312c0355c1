"""More cells than are solved for: some of them stand for the others."""

import numpy as np

from cellstate.kinetics._graph._neighbours import search

BLOCK = 50_000  # cells extended to at once
NEAREST = 16  # landmarks behind the value of a cell, more in many coordinates
RIDGE = 1e-3


def draw(
    source: np.ndarray, target: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Rows of about `count` cells, and up to a tenth as many of each set, sorted."""
    chosen = [rng.choice(source.size, count, replace=False)]
    for inside in (source, target):
        rows = np.flatnonzero(inside)
        most = min(rows.size, count // 10)
        chosen.append(rng.choice(rows, most, replace=False))
    return np.unique(np.concatenate(chosen))


def shares(z: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """How many cells have each landmark as their nearest, (m,)."""
    total = np.zeros(len(landmarks))
    for start in range(0, len(z), BLOCK):
        nearest = search(landmarks, z[start : start + BLOCK], 1)[1][:, 0]
        total += np.bincount(nearest, minlength=len(landmarks))
    return total


def extend(z: np.ndarray, landmarks: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (m, p) of the landmarks at all cells (n, d), by planes.

    A plane goes through the nearest landmarks, by weighted least squares with a small
    penalty on its slope, (n, p); NaN where one of them has no value. Never beyond the
    values it comes from.
    """
    count = min(len(landmarks), max(NEAREST, 3 * z.shape[1]))
    out = np.empty((len(z), values.shape[1]))
    for start in range(0, len(z), BLOCK):
        rows = slice(start, start + BLOCK)
        distance, index = search(landmarks, z[rows], count)
        size = np.maximum(distance[:, -1], np.finfo(float).tiny)
        weight = np.exp(-2 * (distance / size[:, None]) ** 2)
        step = (landmarks[index] - z[rows, None]) / size[:, None, None]
        near = values[index]
        plane = _value_of_plane(step, near, weight)
        out[rows] = np.clip(plane, near.min(axis=1), near.max(axis=1))
    return out


def _value_of_plane(
    step: np.ndarray, near: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Value at step 0 of planes fitted to near (b, k, p) at steps (b, k, d)."""
    weight = weight / weight.sum(axis=1, keepdims=True)
    middle = np.einsum("bk,bkd->bd", weight, step)
    mean = np.einsum("bk,bkp->bp", weight, near)
    centred = step - middle[:, None]
    weighted = centred * weight[:, :, None]
    gram = np.swapaxes(weighted, 1, 2) @ centred
    trace = np.trace(gram, axis1=1, axis2=2) / step.shape[2]
    gram += (RIDGE * trace)[:, None, None] * np.eye(step.shape[2])
    slope = np.linalg.solve(gram, np.swapaxes(weighted, 1, 2) @ near)
    return mean - np.einsum("bd,bdp->bp", middle, slope)
