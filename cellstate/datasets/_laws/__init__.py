"""One function per law: tracks with its usual options."""
