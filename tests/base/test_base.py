"""Results survive a dictionary, settings and randomness leave no trace."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from cellstate._base import checks
from cellstate._base.errors import SchemaError, listing
from cellstate._base.random import generator, seed_of
from cellstate._base.results import Estimate, Result
from cellstate._base.settings import Settings


@dataclass(frozen=True, eq=False, kw_only=True)
class Everything(Result):
    kind: ClassVar[str] = "everything_for_tests"
    values: np.ndarray
    names: tuple[str, ...]
    number: float
    inner: Estimate
    table: pd.DataFrame
    nothing: str | None = None


@pytest.fixture
def everything():
    inner = Estimate(
        value=1.0, low=0.5, high=2.0, level=0.9, method="m", n_effective=3, unit="h"
    )
    return Everything(
        values=np.arange(3.0),
        names=("a", "b"),
        number=np.nan,
        inner=inner,
        table=pd.DataFrame({"x": [1, 2]}),
    )


def test_a_result_comes_back_from_its_dictionary(everything):
    stored = everything.to_dict()
    assert "nothing" not in stored
    assert not any(isinstance(v, tuple) for v in stored.values())
    back = Everything.from_dict(stored)
    np.testing.assert_array_equal(back.values, everything.values)
    assert back.names == ("a", "b")
    assert np.isnan(back.number)
    assert repr(back.inner) == repr(everything.inner)
    pd.testing.assert_frame_equal(back.table, everything.table)


def test_a_result_is_frozen_but_its_dictionary_is_not_shared(everything):
    with pytest.raises(ValueError, match="read-only"):
        everything.values[0] = 9
    everything.to_dict()["values"][0] = 9
    assert everything.values[0] == 0


def test_another_kind_is_refused(everything):
    with pytest.raises(ValueError, match="expected a stored 'estimate'; found 'every"):
        Estimate.from_dict(everything.to_dict())


def test_settings_are_validated_and_restored():
    settings = Settings()
    with pytest.raises(AttributeError, match=r"no setting 'progres'; found .*progress"):
        settings.progres = False
    with pytest.raises(TypeError, match="True or False; found 1"):
        settings.progress = 1

    def fail_inside():
        with settings.override(progress=False):
            assert settings.progress is False
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert settings.progress is True


def test_generators_and_seeds():
    ours = np.random.default_rng(3)
    assert generator(ours) is ours
    assert (seed_of(4), seed_of(np.int64(4)), seed_of(ours), seed_of(None)) == (
        4,
        4,
        -1,
        -1,
    )


@pytest.mark.parametrize("value", [None, 0, -1.0, np.nan, np.inf, "0.5", True])
def test_lengths_and_times_are_positive_numbers(value):
    with pytest.raises(ValueError, match=r"`dt` .*\(?h\)?.*set_dt\(0.5\)"):
        checks.positive(value, "dt", "h", "set_dt(0.5)")


@pytest.mark.parametrize("value", [0, 1, -0.2, "half", np.nan])
def test_a_fraction_lies_inside(value):
    with pytest.raises(ValueError, match=f"between 0 and 1; found {value!r}"):
        checks.fraction(value, "share")


@pytest.mark.parametrize("value", [2.0, True, 1, "3"])
def test_an_integer_is_an_integer(value):
    with pytest.raises(ValueError, match=f"integer >= 2; found {value!r}"):
        checks.integer(value, "n", 2)


def test_a_schema_error_counts_its_lines():
    error = SchemaError(["first", "second"])
    assert error.violations == ("first", "second")
    assert str(error).splitlines()[0].startswith("2 violation")


def test_listing_shows_plain_numbers():
    assert listing(np.arange(7), most=2) == "[0, 1] and 5 more"
