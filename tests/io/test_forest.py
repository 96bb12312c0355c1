"""Links -> tracks: random forests come back, whatever the order of what is given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellstate._base.errors import LineageError
from cellstate.io._forest import chains, cut_at_divisions, rows_of

NAMES = {"name": int, "what": "spot", "source": "here"}


def forest(rng, founders, divide):
    """Frames, cell and mother cell of each row, and the links between rows."""
    frame, cell, links, mother = [], [], [], [-1] * founders
    waiting = [(c, 0, None) for c in range(founders)]
    while waiting:
        this, born, last = waiting.pop(0)
        for f in born + np.cumsum(rng.integers(1, 4, size=rng.integers(1, 6))) - 1:
            if last is not None:
                links.append((last, len(frame)))
            last = len(frame)
            frame.append(int(f))
            cell.append(this)
        if rng.random() < divide and len(mother) < 60:
            for _ in range(2):
                waiting.append((len(mother), frame[last] + 1, last))
                mother.append(this)
    return np.array(frame), np.array(cell), np.array(mother), links


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    founders=st.integers(1, 8),
    divide=st.sampled_from([0.0, 0.4, 0.8]),
)
def test_a_random_forest_comes_back(seed, founders, divide):
    rng = np.random.default_rng(seed)
    frame, cell, mother, links = forest(rng, founders, divide)
    order = rng.permutation(len(frame))
    place = np.argsort(order)
    pairs = place[np.array(links, dtype=int).reshape(-1, 2)]
    turned = rng.random(len(pairs)) < 0.5
    pairs[turned] = pairs[turned, ::-1]
    pairs = rng.permutation(np.concatenate([pairs, pairs[:3]]))  # some twice
    track, parent = cut_at_divisions(frame[order], pairs, **NAMES)
    cell = cell[order]
    number = dict(zip(cell, track, strict=True))
    assert len(set(number.values())) == len(mother)
    assert [number[c] for c in cell] == track.tolist()
    assert [number.get(mother[c], -1) for c in cell] == parent.tolist()
    assert sorted(set(track)) == list(range(1, len(mother) + 1))


def test_tracks_are_numbered_in_the_order_of_time():
    track, _ = cut_at_divisions(np.array([3, 0, 1, 2]), np.array([[1, 2]]), **NAMES)
    assert track.tolist() == [3, 1, 1, 2]


def test_no_links_no_parents():
    track, parent = cut_at_divisions(
        np.array([0, 0, 5]), np.empty((0, 2), int), **NAMES
    )
    assert track.tolist() == [1, 2, 3]
    assert parent.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("links", "match"),
    [
        ([[0, 1]], "that do not, e.g. spot 0 -> 1 in frame 0"),
        ([[0, 0]], "found 1 of 1"),
        ([[0, 2], [1, 2]], r"one mother; found 1 spots of 'here' that merge: \[2\]"),
        ([[0, 2], [0, 3], [0, 4]], r"two daughters.*have more: \[0\]"),
    ],
)
def test_links_that_make_no_forest(links, match):
    with pytest.raises(LineageError, match=match):
        cut_at_divisions(np.array([0, 0, 1, 1, 1]), np.array(links), **NAMES)


def test_ids_lead_to_rows():
    rows = rows_of(np.array([7, 3, 5]), np.array([5, 7, 5]), "spot", "here")
    assert rows.tolist() == [2, 0, 2]
    with pytest.raises(LineageError, match=r"2 of 3 link ends .* not in it: \[1, 9\]"):
        rows_of(np.array([7, 3]), np.array([1, 9, 3]), "spot", "here")
    with pytest.raises(LineageError, match=r"found 2 of 4 repeated: \[3\]"):
        rows_of(np.array([3, 7, 3, 3]), np.array([7]), "spot", "here")
    with pytest.raises(LineageError, match="found 1 of 1"):
        rows_of(np.array([], dtype=int), np.array([7]), "spot", "here")


def test_chains_follow_time_within_a_track():
    pairs = chains(np.array([2, 1, 2, 1, 2]), np.array([9, 4, 1, 2, 5]))
    assert pairs.tolist() == [[3, 1], [2, 4], [4, 0]]
