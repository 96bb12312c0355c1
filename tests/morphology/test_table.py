import importlib.util
from pathlib import Path

import pytest

from cellstate.morphology import Feature, feature_table, motility_table

FAMILIES = {
    "size",
    "contour",
    "fourier",
    "intensity",
    "texture",
    "polarity",
    "neighbourhood",
    "motility",
}


def test_every_feature_is_described_once():
    table = (*feature_table(["H2B", "GFP"]), *motility_table())
    names = [feature.name for feature in table]
    assert len(set(names)) == len(names)
    assert {feature.family for feature in table} == FAMILIES
    assert all(feature.meaning and len(feature.meaning) < 60 for feature in table)
    assert not any(set(name) & set("/: ") for name in names)
    assert len(feature_table(["H2B"])) >= 60
    assert "sharpness_H2B" in names
    assert "mean_intensity_GFP" in names


def test_angles_are_not_called_invariant():
    angles = {"orientation", "a1_phase_c", "a2_phase_c"}
    called = {f.name for f in feature_table(["c"]) if not f.invariant}
    assert called == angles | {"extent"}


def test_units_tell_what_scale_and_gain_change():
    for feature in (*feature_table(["c"]), *motility_table()):
        kept = set(feature.invariance)
        assert "translation" in kept, feature.name
        assert ("gain" in kept) == (feature.unit != "intensity"), feature.name
        if "um" in feature.unit:
            assert "scale" not in kept, feature.name


def test_more_than_a_hundred_named_features():
    assert len((*feature_table(["c"]), *motility_table())) >= 100


def test_unknown_units_and_families_are_refused():
    with pytest.raises(ValueError, match="unit"):
        Feature("x", "furlong", "size", "a length")
    with pytest.raises(ValueError, match="family"):
        Feature("x", "um", "lengths", "a length")
    with pytest.raises(ValueError, match=r"varies with \['zoom'\]; known changes are"):
        Feature("x", "um", "size", "a length", ("zoom",))


def test_speed_table_runs(capsys):
    path = Path(__file__).parents[1] / "benchmarks" / "features_speed.py"
    spec = importlib.util.spec_from_file_location("features_speed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["--cells", "50", "--repeats", "1"]) > 0
    assert "median" in capsys.readouterr().out
    off = module.agreement(50)
    assert off["scikit-image"].notna().sum() == 15
    assert off.max(axis=None, skipna=True) < 1e-6
