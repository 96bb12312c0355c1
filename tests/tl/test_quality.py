"""Movies against a reference: what is refused, and what a linking is worth."""

from dataclasses import replace

import numpy as np
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.tracks import TrackingQuality


def test_a_movie_equals_itself(make_movie):
    movie = make_movie()
    score = cs.tl.tracking_quality(movie, movie)
    assert (score.seg, score.det, score.tra, score.link_f1) == (1, 1, 1, 1)
    assert (score.n_truth, score.n_links_truth) == (20, 16)


def test_scores_survive_a_dict(make_movie):
    movie = make_movie()
    score = cs.tl.tracking_quality(movie, movie)
    again = TrackingQuality.from_dict(score.to_dict())
    assert again.to_dict() == pytest.approx(score.to_dict(), nan_ok=True)


def test_masks_alone_give_the_same_detection(make_movie):
    movie = make_movie()
    masks = movie.masks.copy()
    masks[2][masks[2] == 3] = 0
    found = replace(movie, masks=masks, lineage=None)
    score = cs.tl.segmentation_quality(found, movie)
    assert (score.n_missed, score.n_hits) == (1, 19)
    assert score.det == pytest.approx(1 - 10 / 200)


def test_an_unlinked_movie_is_refused(make_movie):
    movie = make_movie()
    with pytest.raises(MovieError, match=r"`found` .* is not.*cs\.pp\.track"):
        cs.tl.tracking_quality(make_movie(linked=False), movie)
    with pytest.raises(MovieError, match="`truth`"):
        cs.tl.tracking_quality(movie, make_movie(linked=False))


@pytest.mark.parametrize("other", [{"n_frames": 4}, {"n_cells": 3}])
def test_other_frames_or_fields_are_refused(make_movie, other):
    with pytest.raises(MovieError, match=r"one shape .* 'long' and \(5, 40, 80\)"):
        cs.tl.tracking_quality(make_movie(name="long", **other), make_movie())


def test_a_shifted_movie_scores_worse(make_movie):
    """Frames off by one have the right shape; the score tells."""
    movie = make_movie()
    masks = np.zeros_like(movie.masks)
    masks[:, 12:] = movie.masks[:, :-12]
    assert cs.tl.segmentation_quality(replace(movie, masks=masks), movie).seg < 0.5


def test_scores_print_in_two_lines():
    movie = cs.datasets.hela_h2b()
    lines = str(cs.tl.tracking_quality(movie, movie)).splitlines()
    assert lines[0].startswith("SEG 1.000, DET 1.000; detection F1 1.000: 1721 hits")
    assert lines[1].startswith("TRA 1.000; link F1 1.000")
    assert lines[1].endswith("division F1 1.000: 27 of 27, 27 found")
