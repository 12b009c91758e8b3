"""Where else the figures of a run go while it trains: one file per tracker, each behind an extra of its own."""
