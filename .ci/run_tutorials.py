"""Execute every tutorial from a clean kernel; they are stored without outputs."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LIMIT = 180  # seconds for one tutorial


def main() -> int:
    """Run all; return 1 if one fails, has stored outputs, or takes too long."""
    failed = 0
    for path in sorted((Path(__file__).parent.parent / "tutorials").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        stored = sum(bool(cell.get("outputs")) for cell in notebook.cells)
        start = time.monotonic()
        try:
            NotebookClient(
                notebook, timeout=LIMIT, resources={"metadata": {"path": path.parent}}
            ).execute()
            verdict = "passed"
        except Exception as error:  # every kind of failure is reported the same way
            verdict, failed = f"FAILED: {error}", failed + 1
        seconds = time.monotonic() - start
        if stored or seconds > LIMIT:
            verdict, failed = f"FAILED: {stored} stored outputs", failed + 1
        print(f"{path.name}: {verdict} in {seconds:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
