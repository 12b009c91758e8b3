"""What a run leaves in its folder, and the way back from there: nothing that is read is trusted.

`config.py` is `config.toml`, `history.py` is `history.csv`; `checkpoint.py` is a run between two steps as one file,
`origin.py` what it was begun with, and `resumption.py` makes a run of them again.
"""
