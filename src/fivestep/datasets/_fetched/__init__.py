"""Files of a data set that may not be on this machine yet: `fetch.py` finds, downloads and verifies them."""
