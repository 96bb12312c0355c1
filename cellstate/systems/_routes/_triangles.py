"""Curved triangles over a box of the plane whose sides follow the edges of two sets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import Delaunay

from cellstate.systems._regions import Ball, Box, HalfSpace, Region, Union

CLEAR = 0.6  # nodes closer to an edge than this many spacings give way to it
ROUND = 16  # nodes on a circle, at least
ARC = 0.06  # a side whose middle is off an edge by less, in lengths, follows the edge
Ends = tuple[tuple[float, float], ...]

# Seven points in barycentric coordinates and their weights: exact to degree 5.
_A, _B = (6 - np.sqrt(15)) / 21, (6 + np.sqrt(15)) / 21
POINTS = np.array(
    [[1 / 3] * 3] + [np.roll([1 - 2 * c, c, c], k) for c in (_A, _B) for k in range(3)]
)
WEIGHTS = np.array(
    [9 / 40] + [(155 - np.sqrt(15)) / 1200] * 3 + [(155 + np.sqrt(15)) / 1200] * 3
)


def shapes(at: np.ndarray) -> np.ndarray:
    """Quadratic shape functions at barycentric coordinates (..., 3), shape (..., 6)."""
    sides = 4 * at * np.roll(at, -1, axis=-1)
    return np.concatenate([at * (2 * at - 1), sides], axis=-1)


def slopes(at: np.ndarray) -> np.ndarray:
    """Their derivatives along the second and third coordinate, shape (..., 6, 2)."""
    rows = np.zeros((*at.shape[:-1], 6, 3))
    for k in range(3):
        following = (k + 1) % 3
        rows[..., k, k] = 4 * at[..., k] - 1
        rows[..., 3 + k, k] = 4 * at[..., following]
        rows[..., 3 + k, following] = 4 * at[..., k]
    return rows[..., 1:] - rows[..., :1]


@dataclass(frozen=True, eq=False, kw_only=True)
class Triangles:
    """Triangles of six nodes: a corner each and the middle of each side.

    Attributes
    ----------
    x
        Nodes, shape (k, 2).
    nodes
        Nodes of every triangle, shape (t, 6): corners 0, 1, 2, then the middles of
        the sides 01, 12, 20. A middle on the edge of a disc lies on its arc.
    source, target
        Nodes in the two sets or on their edges, boolean, shape (k,).
    in_source, in_target
        Triangles in the two sets, boolean, shape (t,).
    search, row
        Finds the triangle of a point, and its row in `nodes`.
    box
        Ends of the domain.
    """

    x: np.ndarray
    nodes: np.ndarray
    source: np.ndarray
    target: np.ndarray
    in_source: np.ndarray
    in_target: np.ndarray
    search: Delaunay
    row: np.ndarray
    box: Ends

    def field(self, values: np.ndarray, x: ArrayLike) -> np.ndarray:
        """Quadratic interpolation of values (k,) at states (..., 2), shape (...)."""
        x = np.asarray(x, dtype=float)
        low, high = np.array(self.box).T
        flat = np.clip(x.reshape(-1, 2), low, high)
        found = self.search.find_simplex(flat, tol=1e-9)
        triangle = self.row[found]
        corners = self.x[self.nodes[triangle]]
        at = self._barycentric(corners, flat)
        read = (shapes(at) * values[self.nodes[triangle]]).sum(axis=-1)
        return read.reshape(x.shape[:-1])

    def _barycentric(self, nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Local coordinates (n, 3) of points (n, 2) in triangles (n, 6, 2)."""
        at = np.full((len(x), 3), 1 / 3)
        for _ in range(4):  # one step for straight sides, Newton for curved ones
            missing = x - (shapes(at)[..., None] * nodes).sum(axis=1)
            map_ = np.einsum("nai,naj->nij", nodes, slopes(at))
            step = np.linalg.solve(map_, missing[..., None])[..., 0]
            at[:, 1:] += step
            at[:, 0] = 1 - at[:, 1] - at[:, 2]
        return at


def triangulate(
    box: Ends, shape: tuple[int, int], source: Region, target: Region
) -> Triangles:
    """Triangles over a box: nodes on the edges of two sets, staggered rows elsewhere.

    Nodes on an edge lie closer together than any other node lies to it, so that the
    edge is a chain of sides of the Delaunay triangles, which are never inverted.

    Parameters
    ----------
    box
        Ends per axis.
    shape
        Spacings per axis.
    source, target
        Sets made of `Ball`, `Box`, `HalfSpace` and `Union`.
    """
    low, high = np.array(box).T
    h = (high - low) / shape
    near = CLEAR * h.max()
    rows = _rows(box, shape)
    edges = [_edge(region, h.min(), box) for region in (source, target)]
    corner = (np.abs(rows - low) < 1e-12) | (np.abs(rows - high) < 1e-12)
    far = [np.abs(region.distance(rows)) > near for region in (source, target)]
    points = np.concatenate([rows[np.all(far, axis=0) | corner.all(axis=1)], *edges])
    search = Delaunay(points)
    corners = search.simplices
    area = _area(points[corners])
    kept = area > 1e-6 * h.prod()
    corners = corners[kept]
    _check_fitted(points, corners, (source, target), h.min())
    x, middles = _middles(points, corners, (source, target))
    centres = points[corners].mean(axis=1)
    tolerance = 1e-9 * h.min()
    return Triangles(
        x=x,
        nodes=np.concatenate([corners, middles], axis=1),
        source=source.distance(x) <= tolerance,
        target=target.distance(x) <= tolerance,
        in_source=source.distance(centres) < 0,
        in_target=target.distance(centres) < 0,
        search=search,
        row=np.where(kept, np.cumsum(kept) - 1, -1),
        box=box,
    )


def _rows(box: Ends, shape: tuple[int, int]) -> np.ndarray:
    """Rows of nodes, every other one shifted by half a spacing."""
    (left, right), (bottom, top) = box
    even = np.linspace(left, right, shape[0] + 1)
    odd = np.concatenate([[left], (even[1:] + even[:-1]) / 2, [right]])
    heights = np.linspace(bottom, top, shape[1] + 1)
    rows = [
        np.stack([line, np.full(len(line), height)], axis=-1)
        for k, height in enumerate(heights)
        for line in [odd if k % 2 else even]
    ]
    return np.concatenate(rows)


def _edge(region: Region, spacing: float, box: Ends) -> np.ndarray:
    """Points along the edge of a set within the box, shape (n, 2)."""
    if isinstance(region, Union):
        parts = []
        for one in region.parts:
            points = _edge(one, spacing, box)
            others = [other for other in region.parts if other is not one]
            hidden = [other.distance(points) <= 0 for other in others]
            parts.append(points[~np.any(hidden, axis=0)] if others else points)
        return np.concatenate(parts)
    if isinstance(region, Ball):
        points = _circle(region, spacing)
    elif isinstance(region, Box):
        points = _square(region, spacing)
    elif isinstance(region, HalfSpace):
        points = _line(region, spacing, box)
    else:
        raise TypeError(
            "finite elements follow the edges of Ball, Box, HalfSpace and Union; found "
            f"{type(region).__name__}. Use finite_volumes."
        )
    low, high = np.array(box).T
    return points[((points >= low) & (points <= high)).all(axis=1)]


def _circle(ball: Ball, spacing: float) -> np.ndarray:
    count = max(ROUND, int(np.ceil(2 * np.pi * ball.radius / spacing)))
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    round_ = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.array(ball.center) + ball.radius * round_


def _square(box: Box, spacing: float) -> np.ndarray:
    count = int(np.ceil(2 * box.half_width / spacing))
    side = np.linspace(-1, 1, count, endpoint=False)
    start = np.stack([side, np.full(count, -1.0)], axis=-1)
    turns = [start]
    for _ in range(3):
        turns.append(np.stack([-turns[-1][:, 1], turns[-1][:, 0]], axis=-1))
    return np.array(box.center) + box.half_width * np.concatenate(turns)


def _line(half: HalfSpace, spacing: float, box: Ends) -> np.ndarray:
    """The stretch of a straight edge that lies in the box."""
    normal = np.array(half.normal)
    along = np.array([-normal[1], normal[0]])
    low, high = np.array(box).T - half.bound * normal
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.sort([low / along, high / along], axis=0)
    crossed = along != 0
    first, last = ends[0, crossed].max(), ends[1, crossed].min()
    if last <= first:
        return np.empty((0, 2))
    count = int(np.ceil((last - first) / spacing)) + 1
    points = half.bound * normal + np.linspace(first, last, count)[:, None] * along
    # Rounding may have put an end just outside.
    return np.clip(points, *np.array(box).T)


def _area(corners: np.ndarray) -> np.ndarray:
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


def _check_fitted(
    points: np.ndarray, corners: np.ndarray, sets: tuple[Region, ...], h: float
) -> None:
    for region in sets:
        distance = region.distance(points)[corners]
        across = (distance.min(axis=1) < -1e-6 * h) & (distance.max(axis=1) > 1e-6 * h)
        if across.any():
            raise ValueError(
                f"{int(across.sum())} of {len(corners)} triangles lie across the edge "
                f"of {region}: with a spacing of {h:.3g} it is too close to another "
                "edge or to the box. Raise n."
            )


def _middles(
    points: np.ndarray, corners: np.ndarray, sets: tuple[Region, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """All nodes, and the numbers of the middles of every triangle's sides (t, 3)."""
    pairs = np.stack([corners, np.roll(corners, -1, axis=1)], axis=-1).reshape(-1, 2)
    pairs = np.sort(pairs, axis=1)
    code = pairs[:, 0] * len(points) + pairs[:, 1]
    code, number = np.unique(code, return_inverse=True)
    first, second = points[code // len(points)], points[code % len(points)]
    middle = (first + second) / 2
    length = np.sqrt(((first - second) ** 2).sum(axis=1))
    for region in sets:
        on = np.maximum(abs(region.distance(first)), abs(region.distance(second)))
        off = region.distance(middle)
        bent = (on < 1e-9 * length) & (np.abs(off) < ARC * length)
        if bent.any():
            middle[bent] -= off[bent, None] * _normal(region, middle[bent])
    x = np.concatenate([points, middle])
    return x, len(points) + number.reshape(-1, 3)


def _normal(region: Region, x: np.ndarray) -> np.ndarray:
    """Direction in which the distance to a set grows, shape (n, 2)."""
    shift = 1e-5 * np.eye(2)
    rise = [region.distance(x + s) - region.distance(x - s) for s in shift]
    return np.stack(rise, axis=-1) / 2e-5
