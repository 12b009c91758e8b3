"""From rows as a person has them to answers: the same for `fivestep predict` and `Run.predict`.

`rows.py` turns files and tables into inputs, by `table_rows.py` where a network was trained on named columns and else
by `number_rows.py`; `answers.py` turns logits into classes, probabilities and numbers in the units of the target.
"""
