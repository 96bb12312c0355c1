"""The AnnData schema: names, reading with hints, storing with fingerprints."""
