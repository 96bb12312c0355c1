"""What data of a kind can fix, and what they cannot."""

import pandas as pd

YES, NO, ASSUMED = "yes", "no", "assumed"
COLUMNS = ("quantity", "status", "why")


def from_tracks(*, noise_known: bool, growth: str, d: int) -> pd.DataFrame:
    """Of cells that are followed."""
    rows = [
        ("drift", YES, "increments along tracks"),
        ("time scale", YES, "hours between frames"),
        ("diffusion", YES, "squares of increments, free of drift and noise"),
        (
            "measurement noise",
            YES if noise_known else NO,
            "anticorrelation of neighbouring increments"
            if noise_known
            else "tracks of two frames cannot tell it from diffusion",
        ),
        (
            "circulation",
            YES if d > 1 else NO,
            "increments along tracks" if d > 1 else "there is none in one coordinate",
        ),
        _growth_row(growth),
        ("drift where no cell was seen", NO, "see `extrapolated`"),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def from_snapshots(*, diffusion_given: bool, growth: str) -> pd.DataFrame:
    """Of cells that are seen once."""
    given = "given, not measured"
    unknown = "the same snapshots fit any diffusion; give diffusion= to assume one"
    rows = [
        (
            "drift",
            ASSUMED,
            "the gradient field of this diffusion that moves one snapshot to the next"
            if diffusion_given
            else "cells take the shortest way from one snapshot to the next",
        ),
        ("time scale", YES, "hours between snapshots; not within a stationary state"),
        (
            "diffusion",
            ASSUMED if diffusion_given else NO,
            given if diffusion_given else unknown,
        ),
        ("measurement noise", NO, "it adds to the spread of every snapshot"),
        ("circulation", NO, "a circulating drift leaves every density as it is"),
        _growth_row(growth),
        ("drift where no cell was seen", NO, "see `extrapolated`"),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _growth_row(growth: str) -> tuple[str, str, str]:
    why = {
        "": (ASSUMED, "none: cells neither divide nor die"),
        "events": (YES, "divisions and deaths along tracks"),
        "given": (ASSUMED, "given, not measured"),
        "masses": (
            ASSUMED,
            "numbers of cells fix its mean; where it acts is told by transport",
        ),
    }
    return ("growth rate", *why[growth])
