"""The output folder of a run: what is finished, from what, with which settings."""

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORD = "run.json"
PARTS = ".unfinished"  # results of finished steps, kept until the run is complete
PACKAGES = (
    "cellstate",
    "numpy",
    "scipy",
    "pandas",
    "anndata",
    "scikit-learn",
    "scikit-image",
    "tifffile",
    "matplotlib",
)


class RunFolder:
    """An output folder that is never overwritten by accident and can be resumed.

    ``run.json`` names parameters, versions, seed, checksums of the inputs, and the
    finished steps. A folder left by an interrupted run with the same parameters and
    inputs is taken up where it stopped.

    Parameters
    ----------
    path
        The folder; made when it is not there.
    parameters, inputs
        Settings of the run; paths of its inputs.
    force
        Delete what a former run left and start again.

    Raises
    ------
    FileExistsError
        The folder holds something that is not an unfinished run of the same kind.
    OSError
        It cannot be written to.
    """

    def __init__(
        self,
        path: str | Path,
        parameters: Mapping[str, Any],
        inputs: Mapping[str, Path],
        *,
        force: bool = False,
    ) -> None:
        self.path = Path(path)
        fresh = {
            "parameters": dict(parameters),
            "inputs": {
                k: {"path": str(p), "sha256": checksum(p)} for k, p in inputs.items()
            },
            "versions": {name: version(name) for name in PACKAGES}
            | {"python": platform.python_version()},
            "finished": [],
            "complete": False,
        }
        self.record = self._opened(fresh, force)
        (self.path / PARTS).mkdir(parents=True, exist_ok=True)
        self._save()

    def done(self, step: str) -> bool:
        """Whether a step was finished before."""
        return step in self.record["finished"]

    def finish(self, step: str) -> None:
        """Note that a step is finished; its files are whole by then."""
        self.record["finished"].append(step)
        self._save()

    def complete(self) -> None:
        """Note that the run is complete and drop the parts."""
        self.record["complete"] = True
        self._save()
        shutil.rmtree(self.path / PARTS, ignore_errors=True)

    def part(self, name: str) -> Path:
        """Path of an intermediate file."""
        return self.path / PARTS / name

    def _opened(self, fresh: dict[str, Any], force: bool) -> dict[str, Any]:
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(
                f"the output {self.path} is a file; choose a folder: -o FOLDER."
            )
        held = sorted(p.name for p in self.path.iterdir()) if self.path.exists() else []
        if not held:
            return fresh
        before = _read(self.path / RECORD)
        if before is None:
            raise FileExistsError(
                f"the output folder {self.path} exists and holds {len(held)} files "
                f"({held[:3]} ...) but no {RECORD}: it was not made by cellstate, and "
                "even --force does not delete it. Give another folder with -o."
            )
        if force:
            self._clear()
            return fresh
        if before.get("complete"):
            raise FileExistsError(
                f"the output folder {self.path} exists and holds a complete run; give "
                "another folder with -o, or --force to overwrite it."
            )
        return self._resumed(before, fresh)

    def _resumed(self, before: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
        """Keep the finished steps that the changes, if any, do not touch."""
        changed = [k for k in ("inputs", "versions") if before[k] != fresh[k]]
        then, now = before["parameters"], fresh["parameters"]
        touched = [k for k in now if then.get(k) != now[k]]
        if any(k in MEASURING for k in touched):
            changed.append("parameters")
        if changed:
            raise FileExistsError(
                f"{self.path} holds an unfinished run with other "
                f"{' and '.join(changed)}; give another folder with -o, or --force to "
                "start again."
            )
        kept = [
            s for s in before["finished"] if not touched or s in ("link", "measure")
        ]
        return fresh | {"finished": kept}

    def _clear(self) -> None:
        """Delete what runs write, file by file; anything else stays."""
        for name in (RECORD, "cells.h5ad", "events.csv", "report.html"):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / PARTS, ignore_errors=True)
        figures = self.path / "figures"
        for name in FIGURES:
            for suffix in ("pdf", "png"):
                (figures / f"{name}.{suffix}").unlink(missing_ok=True)
        if figures.is_dir() and not any(figures.iterdir()):
            figures.rmdir()

    def _save(self) -> None:
        write_text(self.path / RECORD, json.dumps(self.record, indent=2) + "\n")


# Parameters that linking and measuring depend on; the rest only steers the analysis.
MEASURING = ("pixel_size", "frame_interval", "name", "channels")
FIGURES = (
    "state_space",
    "committor_tracks",
    "event_raster",
    "calibration",
    "rates",
    "quality",
    "event_strips",
)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there; found {sorted(p.name for p in _siblings(path))[:5]} "
            f"in {path.parent}."
        )
    digest = hashlib.sha256()
    files = (
        sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    )
    for file in files:
        digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _siblings(path: Path) -> list[Path]:
    return list(path.parent.iterdir()) if path.parent.is_dir() else []


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
