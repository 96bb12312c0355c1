"""What the laws in `cs.datasets` share: usual options, and extra exact numbers."""

from collections.abc import Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata._truth import NUMBER_COLUMNS
from cellstate._base.checks import positive
from cellstate.datasets._cells._assemble import put_truth
from cellstate.datasets._cells._tables import simulate_tracks
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import COARSE

OPTIONS = frozenset(signature(simulate_tracks).parameters) - {"system"}
Numbers = Mapping[str, tuple[float, str]]


def sampled(
    law: Diffusion,
    sampling: Mapping[str, Any],
    numbers: Numbers | None = None,
    **usual: Any,
) -> AnnData:
    """Simulate tracks of a law with its usual options where none were given.

    Parameters
    ----------
    law
        The law.
    sampling
        What the user gave for `simulate_tracks`.
    numbers
        More exact answers: name -> (value, unit).
    usual
        The rest; without a frame interval it is the longest of 1, 2, 5, 10 ... whose
        increments are not yet biased.

    Raises
    ------
    TypeError
        `simulate_tracks` has no such option.
    """
    check_options(law.name, sampling, OPTIONS, "simulate_tracks")
    options = usual | dict(sampling)
    if "frame_interval" not in options:
        options["frame_interval"] = usual_interval(law, options.get("time_unit", 1.0))
    adata = simulate_tracks(law, **options)
    if numbers:
        add_numbers(adata, numbers)
    return adata


def check_options(
    name: str, given: Mapping[str, Any], known: frozenset[str], takes: str
) -> None:
    """Refuse options that nothing would read."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise TypeError(
            f"{unknown} are no options of the {name}; besides the parameters of the "
            f"law it takes those of {takes}: {sorted(known)}."
        )


def usual_interval(law: Diffusion, time_unit: float) -> float:
    """Longest of 1, 2, 5, 10 ... hours with dt lambda_max at most 0.2.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> usual_interval(DoubleWell(), 1.0)  # lambda_max = 8
    0.02
    """
    unit = positive(time_unit, "time_unit", "h per unit of the law", "time_unit=1.0")
    fastest = law.fastest_rate if np.isfinite(law.fastest_rate) else 1.0
    # Just under the bound, where no rounding can pass it.
    longest = (1 - 1e-6) * COARSE * unit / fastest
    power = 10.0 ** np.floor(np.log10(longest))
    digit = max(d for d in (1, 2, 5) if d * power <= longest)
    return float(f"{digit * power:.1g}")


def add_numbers(adata: AnnData, numbers: Numbers) -> None:
    """Put more exact answers into the truth, in place."""
    table = pd.DataFrame(
        [(name, float(value), unit) for name, (value, unit) in numbers.items()],
        columns=list(NUMBER_COLUMNS),
    )
    put_truth(adata, replace(get.truth(adata), numbers=table))
