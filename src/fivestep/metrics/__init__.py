"""Metrics, which tell how good a network is, one file each."""
