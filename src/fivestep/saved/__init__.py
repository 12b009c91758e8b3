"""The files in a run's folder, written and read back; nothing that is read is trusted.

`files.py` has what users and `predict` read: `config.toml` (`config.py`), `history.csv` (`history.py`) and the model.
`checkpoint.py` is a run between two steps as one file, `origin.py` what it was begun with, and `resumption.py` restores
a run from them.
"""
