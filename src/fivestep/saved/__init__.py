"""What a run leaves in its folder, and the way back from there: nothing that is read is trusted.

`files.py` is what people and `predict` read: `config.py` makes `config.toml`, `history.py` makes `history.csv`, and
beside them lies the model. `checkpoint.py` is a run between two steps as one file, `origin.py` what it was begun with,
and `resumption.py` makes a run of them again.
"""
