"""Experiment trackers, to which a run sends its figures while it trains: one file each, each an optional extra."""
