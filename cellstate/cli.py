"""`cellstate demo | run | report`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cellstate._base.settings import settings

INTERRUPTED = 130
LONG_INTERVAL = 4.0  # h; longer ones are more often minutes than hours


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 after a clear error, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    with settings.override(progress=not options.quiet):
        try:
            options.command(options)
        except KeyboardInterrupt:
            print(
                "\ninterrupted; the same command goes on from the finished steps.",
                file=sys.stderr,
            )
            return INTERRUPTED
        except (ValueError, OSError, KeyError, ImportError) as error:
            text = error.args[0] if isinstance(error, KeyError) else error
            print(f"cellstate: {type(error).__name__}: {text}", file=sys.stderr)
            return 2
    return 0


def _demo(options: argparse.Namespace) -> None:
    from cellstate import datasets
    from cellstate.datasets import _shipped_movies as shipped

    if options.simulated:
        _demo_simulated(options)
        return
    # The shipped tracks miss many divisions; linking the masks afresh finds them.
    files = datasets.hela_h2b_files()
    _run_inputs(
        {"images": files["images"], "masks": files["masks"]},
        options,
        pixel_size=shipped.PIXEL_SIZE,
        frame_interval=shipped.FRAME_INTERVAL,
        name="hela_h2b",
        channels=("H2B",),
    )


def _demo_simulated(options: argparse.Namespace) -> None:
    from cellstate import datasets
    from cellstate.datasets import _shipped_movies as shipped

    files = datasets.simulated_differentiation_files()
    movie = datasets.simulated_differentiation().movie
    _run_inputs(
        {name: files[name] for name in ("images", "masks", "truth")},
        options,
        pixel_size=movie.pixel_size,
        frame_interval=movie.frame_interval,
        source=shipped.SIMULATED_SOURCE,
        target=shipped.SIMULATED_TARGET,
        source_keep=shipped.SIMULATED_SOURCE_KEEP,
        target_keep=shipped.SIMULATED_TARGET_KEEP,
        min_dwell=shipped.SIMULATED_MIN_DWELL,
        name=movie.name,
    )


def _run(options: argparse.Namespace) -> None:
    named = {"images": options.images, "masks": options.masks, "tracks": options.tracks}
    inputs = {k: Path(v).resolve() for k, v in named.items() if v is not None}
    _run_inputs(
        inputs,
        options,
        pixel_size=options.pixel_size,
        frame_interval=options.frame_interval,
        target=options.target,
        source=options.source,
        source_keep=options.source_keep,
        target_keep=options.target_keep,
        min_dwell=options.min_dwell,
        core_fraction=options.core_fraction,
        threshold=options.threshold,
        fdr=options.fdr,
        name=options.name,
        channels=options.channels and tuple(options.channels),
    )


def _run_inputs(
    inputs: dict[str, Path], options: argparse.Namespace, **parameters: object
) -> None:
    from cellstate import _pipeline, get

    chosen = _pipeline.Settings(seed=options.seed, **parameters)
    if chosen.frame_interval > LONG_INTERVAL:
        print(
            f"note: {chosen.frame_interval:g} h between frames; if these are minutes, "
            f"give --frame-interval {chosen.frame_interval / 60:g}.",
            file=sys.stderr,
        )
    adata = _pipeline.run(inputs, chosen, options.out, force=options.force)
    table, rates = get.events(adata).table, get.rates(adata)
    counts = table["status"].value_counts()
    print(
        f"{adata.n_obs} cells in {len(table)} tracks: {counts.get('event', 0)} events, "
        f"{counts.get('no_event', 0)} without, {counts.get('undecidable', 0)} "
        f"undecidable.\nrate {rates.k_ab}\nopen {Path(options.out) / 'report.html'}"
    )


def _report(options: argparse.Namespace) -> None:
    from cellstate import _pipeline

    print(f"open {_pipeline.report(options.folder)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellstate", description="Cell-state trajectories and rare events."
    )
    commands = parser.add_subparsers(required=True, metavar="demo | run | report")

    demo = commands.add_parser("demo", help="run on the movie that comes along")
    demo.add_argument(
        "--simulated",
        action="store_true",
        help="run on a simulated movie instead: the report shows truth beside estimate",
    )
    _common(demo, out="cellstate_demo")
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="movie and masks in, flagged events out")
    run.add_argument("images", help="TIFF stack, or folder with one TIFF per frame")
    run.add_argument("--masks", required=True, help="integer labels, same shape")
    run.add_argument(
        "--tracks", help="man_track.txt or CSV; masks are linked when left out"
    )
    run.add_argument(
        "--pixel-size", type=float, required=True, help="micrometres per pixel"
    )
    run.add_argument(
        "--frame-interval", type=float, required=True, help="hours between frames"
    )
    run.add_argument(
        "--target",
        default="division",
        help="'division', or an expression such as \"area > 300\" (default: division)",
    )
    run.add_argument(
        "--source",
        default="density",
        help="'density' core, or an expression (default: density)",
    )
    for role in ("source", "target"):
        run.add_argument(
            f"--{role}-keep",
            metavar="EXPRESSION",
            help=f"cells that entered the {role} stay while this holds",
        )
    run.add_argument(
        "--min-dwell",
        type=float,
        default=0.0,
        metavar="HOURS",
        help="shorter stays in source or target do not count (default: 0)",
    )
    run.add_argument(
        "--core-fraction", type=float, default=0.8, help="of the density core, 0 to 1"
    )
    run.add_argument("--threshold", type=float, default=0.9, help="committed above it")
    run.add_argument("--fdr", type=float, default=0.1, help="of predicted events")
    run.add_argument("--name", help="of the movie, in cell names")
    run.add_argument("--channels", nargs="+", help="one name per channel")
    _common(run, out=None)
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="make report.html of a run anew")
    report.add_argument("folder", help="output folder of `cellstate run`")
    report.add_argument("-q", "--quiet", action="store_true", help="no progress bars")
    report.set_defaults(command=_report)
    return parser


def _common(parser: argparse.ArgumentParser, out: str | None) -> None:
    parser.add_argument(
        "-o", "--out", default=out, required=out is None, help="output folder"
    )
    parser.add_argument("--seed", type=int, default=0, help="of every random step")
    parser.add_argument(
        "--force", action="store_true", help="overwrite a former run in the folder"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars")


if __name__ == "__main__":
    sys.exit(main())
