"""The command line on a small movie: whole, interrupted, forced, refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellstate import _pipeline, get, io
from cellstate._pipeline import _steps
from cellstate.cli import main

FRAMES, SIZE = 10, 96


@pytest.fixture(scope="module")
def movie_files(tmp_path_factory) -> dict[str, Path]:
    """Twelve discs on a grid; every other one shrinks, brightens and divides."""
    folder = tmp_path_factory.mktemp("movie")
    rng = np.random.default_rng(0)
    images = rng.normal(100, 2, (FRAMES, SIZE * 2, SIZE * 2))
    masks = np.zeros(images.shape, dtype=np.uint16)
    rows = []
    y, x = np.mgrid[: SIZE * 2, : SIZE * 2]

    def disc(frame, label, cy, cx, radius, light):
        inside = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
        masks[frame][inside] = label
        images[frame][inside] += light * rng.uniform(0.9, 1.1, inside.sum())

    fresh = 100
    for i in range(16):
        cy, cx = 24 + 48 * (i // 4), 24 + 48 * (i % 4)
        divides = i % 2 == 0
        split = 3 + i // 3
        for frame in range(FRAMES):
            jitter = rng.normal(0, 0.5, 2)
            if divides and frame >= split:
                for side, label in ((-8, fresh), (8, fresh + 1)):
                    disc(frame, label, cy + jitter[0], cx + side, 6, 150)
                    rows.append((frame, label, label, i + 1))
            else:
                late = divides and frame == split - 1
                disc(frame, i + 1, *(np.array([cy, cx]) + jitter), 6 if late else 10,
                     400 if late else 100)  # fmt: skip
                rows.append((frame, i + 1, i + 1, -1))
        fresh += 2
    names = ["frame", "label", "track", "parent_track"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "tracks.csv", index=False)
    tifffile.imwrite(folder / "images.tif", images.astype(np.uint16))
    tifffile.imwrite(folder / "masks.tif", masks)
    return {k: folder / f"{k}{e}" for k, e in
            (("images", ".tif"), ("masks", ".tif"), ("tracks", ".csv"))}  # fmt: skip


def command(files, out, *more) -> list[str]:
    return [
        "run", str(files["images"]), "--masks", str(files["masks"]),
        "--tracks", str(files["tracks"]), "--pixel-size", "0.5",
        "--frame-interval", "0.5", "--core-fraction", "0.6", "-q", "-o", str(out),
        *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(movie_files, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    assert main(command(movie_files, out)) == 0
    return out


def test_run_writes_all_that_it_promises(finished):
    written = {p.name for p in finished.iterdir()}
    assert written == {"cells.h5ad", "events.csv", "figures", "report.html", "run.json"}
    events = pd.read_csv(finished / "events.csv")
    assert (events["status"] == "event").sum() == 8  # every division that was drawn
    assert not list(finished.rglob(".*")), "half files stay behind"


def test_run_json_names_parameters_versions_seed_and_checksums(finished):
    record = json.loads((finished / "run.json").read_text())
    assert record["complete"] is True
    assert record["parameters"]["pixel_size"] == 0.5
    assert record["parameters"]["seed"] == 0
    assert len(record["inputs"]["images"]["sha256"]) == 64
    assert {"cellstate", "numpy", "python"} <= set(record["versions"])


def test_same_seed_same_numbers(finished, movie_files, tmp_path):
    assert main(command(movie_files, tmp_path / "again")) == 0
    first, second = (io.read(p / "cells.h5ad") for p in (finished, tmp_path / "again"))
    np.testing.assert_array_equal(first.obs["committor"], second.obs["committor"])
    np.testing.assert_array_equal(
        first.obsm["committor_replicates"], second.obsm["committor_replicates"]
    )


def test_existing_output_is_refused_without_force(finished, movie_files, capsys):
    before = (finished / "cells.h5ad").read_bytes()
    assert main(command(movie_files, finished)) == 2
    assert "--force" in capsys.readouterr().err
    assert (finished / "cells.h5ad").read_bytes() == before


def test_force_never_deletes_what_it_did_not_write(movie_files, tmp_path, capsys):
    (tmp_path / "figures").mkdir()
    for name in ("events.csv", "figures/thesis.tex"):
        (tmp_path / name).write_text("years of work")
    assert main(command(movie_files, tmp_path, "--force")) == 2
    assert "not made by cellstate" in capsys.readouterr().err
    for name in ("events.csv", "figures/thesis.tex"):
        assert (tmp_path / name).read_text() == "years of work"


def test_force_keeps_what_a_user_put_into_a_run(finished, movie_files, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "figures" / "mine.png").write_text("mine")
    (out / "notes.txt").write_text("mine")
    assert main(command(movie_files, out, "--force", "--seed", "3")) == 0
    assert (out / "figures" / "mine.png").read_text() == "mine"
    assert (out / "notes.txt").read_text() == "mine"
    assert json.loads((out / "run.json").read_text())["parameters"]["seed"] == 3


def test_force_with_inputs_that_cannot_be_read_costs_nothing(
    finished, movie_files, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    cut = tmp_path / "cut.tif"
    cut.write_bytes(movie_files["images"].read_bytes()[:5000])
    assert main(command({**movie_files, "images": cut}, out, "--force")) == 2
    assert (out / "cells.h5ad").read_bytes() == (finished / "cells.h5ad").read_bytes()


def test_interrupted_run_goes_on_from_finished_steps(
    movie_files, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_steps.tl, "committor", interrupt)
        assert main(command(movie_files, out)) == 130
    assert "goes on" in capsys.readouterr().err
    assert not (out / "cells.h5ad").exists()
    assert json.loads((out / "run.json").read_text())["finished"] == ["measure"]

    def measured_again(*_, **__):
        raise AssertionError("features were measured twice")

    monkeypatch.setattr(_steps.pp, "features", measured_again)
    assert main(command(movie_files, out)) == 0
    assert (out / "report.html").exists()


def test_a_mended_option_goes_on_from_the_measured_cells(
    movie_files, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    assert main(command(movie_files, out, "--target", "Area >")) == 2

    def measured_again(*_, **__):
        raise AssertionError("features were measured twice")

    monkeypatch.setattr(_steps.pp, "features", measured_again)
    assert main(command(movie_files, out)) == 0


def test_interrupted_run_with_other_units_is_refused(movie_files, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(movie_files, out, "--target", "Area >")) == 2
    words = command(movie_files, out)
    words[words.index("--pixel-size") + 1] = "0.7"
    assert main(words) == 2
    assert "other parameters" in capsys.readouterr().err


def test_minutes_are_suspected(movie_files, tmp_path, capsys):
    words = command(movie_files, tmp_path / "out", "--target", "Area >")
    words[words.index("--frame-interval") + 1] = "30"
    main(words)
    assert "--frame-interval 0.5" in capsys.readouterr().err


def test_rules_for_staying_reach_states_and_record(movie_files, tmp_path, monkeypatch):
    out, seen = tmp_path / "out", []

    def stop(adata, **_):
        seen.append(get.states(adata))
        raise ValueError("far enough")

    monkeypatch.setattr(_steps.tl, "committor", stop)
    rules = {
        "--source": "area > 60", "--target": "area < 40", "--source-keep": "area > 55",
        "--target-keep": "area < 45", "--min-dwell": "1.5",
    }  # fmt: skip
    options = [word for pair in rules.items() for word in pair]
    assert main(command(movie_files, out, *options)) == 2
    (states,) = seen
    assert (states.source_keep, states.target_keep) == ("area > 55", "area < 45")
    assert states.min_dwell == 1.5
    # Daughters stay small until the movie ends: entries, and none of them flicker.
    assert states.n_entries_target[0] == states.n_entries_target[3] > 0
    parameters = json.loads((out / "run.json").read_text())["parameters"]
    for option, value in rules.items():
        stated = parameters[option.removeprefix("--").replace("-", "_")]
        assert str(stated) == value


def test_report_is_made_anew(finished, capsys):
    page = finished / "report.html"
    page.unlink()
    assert main(["report", str(finished), "-q"]) == 0
    assert page.stat().st_size > 10_000
    assert str(page) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--pixel-size": "-1"}, "pixel_size"),
        ({"--masks": "nowhere.tif"}, "nowhere.tif"),
        ({"--target": "weight > 3"}, "weight"),
        ({"--target": "area > 1e9"}, "none of the"),
        ({"--min-dwell": "-1"}, "`min_dwell` must be 0 h or more; found -1.0"),
        ({"--target-keep": "area > 3"}, "target='division' lasts n_frames frames"),
        ({"--source-keep": "weight > 3"}, "`source_keep`='weight > 3'"),
    ],
)
def test_bad_options_say_what_to_do(movie_files, tmp_path, capsys, change, says):
    words = command(movie_files, tmp_path / "out")
    for option, value in change.items():
        if option in words:
            words[words.index(option) + 1] = value
        else:
            words += [option, value]
    assert main(words) == 2
    assert says in capsys.readouterr().err


def test_output_below_a_file_is_a_clear_error(movie_files, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(command(movie_files, tmp_path / "file")) == 2
    assert "is a file" in capsys.readouterr().err
    assert main(command(movie_files, tmp_path / "file" / "out")) == 2
    assert "file" in capsys.readouterr().err


def test_report_of_nothing_names_the_command(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "cellstate run" in capsys.readouterr().err


def test_settings_hold_all_that_decides(movie_files):
    chosen = _pipeline.Settings(pixel_size=0.5, frame_interval=0.5)
    assert chosen.target == "division"
    assert chosen.seed == 0
