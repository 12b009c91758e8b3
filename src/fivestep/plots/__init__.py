"""Plots, one file each: plain data in, a matplotlib `Figure` out."""
