"""Files of a data set that are not on this machine yet: `fetch.py` looks for them, gets them, and checks them."""
