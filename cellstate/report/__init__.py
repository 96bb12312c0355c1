"""One self-contained HTML page from what is stored."""

from cellstate.report._page import write_report

__all__ = ["write_report"]
