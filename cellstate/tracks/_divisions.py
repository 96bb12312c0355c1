"""Divisions of linked objects, and which of them two lineages share."""

import numpy as np

from cellstate.tracks._links import Links
from cellstate.tracks._matching import Matching


def divisions(linked: Links) -> np.ndarray:
    """Mother's last and both daughters' first objects, rows, shape (k, 3)."""
    ends = linked.ends[linked.to_daughter]
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    mother, first, count = np.unique(ends[:, 0], return_index=True, return_counts=True)
    two = first[count == 2]
    return np.column_stack([mother[count == 2], ends[two, 1], ends[two + 1, 1]])


def matched_divisions(
    match: Matching, found: Links, truth: Links, tolerance: int
) -> int:
    """Count the reference divisions that are found, one for one.

    Two divisions are the same if at most `tolerance` frames lie between them, the
    mothers are partners in the last frame that has both undivided, and the daughters
    in the first frame that has both divided.
    """
    ours, theirs = divisions(found), divisions(truth)
    at = {(int(f), int(t)): i for i, (t, f) in enumerate(_track_and_frame(found))}
    expected = {(int(f), int(t)): i for i, (t, f) in enumerate(_track_and_frame(truth))}
    partner = match.partner

    def same(reference: np.ndarray, candidate: np.ndarray) -> bool:
        early = min(truth.objects[reference[0], 0], found.objects[candidate[0], 0])
        late = max(
            truth.objects[reference[1:], 0].max(), found.objects[candidate[1:], 0].max()
        )
        frames = (early, late, late)

        def shown(links: Links, where: dict, rows: np.ndarray) -> list[int]:
            return [
                where.get((int(f), int(links.track[r])), -1)
                for f, r in zip(frames, rows, strict=True)
            ]

        seen = [
            int(partner[r]) if r >= 0 else -1 for r in shown(truth, expected, reference)
        ]
        there = shown(found, at, candidate)
        if min(seen) < 0 or min(there) < 0:
            return False
        return seen[0] == there[0] and set(seen[1:]) == set(there[1:])

    when, expected_when = found.objects[ours[:, 0], 0], truth.objects[theirs[:, 0], 0]
    apart = np.abs(expected_when[:, None] - when[None, :])
    near = np.argwhere(apart <= tolerance)
    near = near[np.argsort(apart[tuple(near.T)], kind="stable")]
    taken: tuple[set[int], set[int]] = (set(), set())
    for i, j in near.tolist():
        if i not in taken[0] and j not in taken[1] and same(theirs[i], ours[j]):
            taken[0].add(i)
            taken[1].add(j)
    return len(taken[0])


def _track_and_frame(linked: Links) -> np.ndarray:
    return np.column_stack([linked.track, linked.objects[:, 0]])
