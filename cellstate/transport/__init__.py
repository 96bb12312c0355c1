"""Couplings between snapshots: who becomes whom, with growth and null rows."""
