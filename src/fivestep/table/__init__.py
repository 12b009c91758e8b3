"""Tables: from a file or a DataFrame to typed columns, and by a fitted encoder to the inputs of a network.

`read.py` makes a frame from a file, `frame.py` from objects in memory; `kinds.py` infers the kind of each column;
`encoder.py` fits the columns on the training part and turns any frame with the same columns into numbers, row by row.

>>> from fivestep.table.encoder import Encoder
>>> from fivestep.table.frame import as_frame
>>> from fivestep.table.kinds import kinds_of
>>> train = as_frame({"height": [1.6, 1.7, 1.9], "eyes": ["blue", "brown", "blue"]})
>>> encoder = Encoder.fit(train, kinds_of(train))
>>> encoder.features
('height', 'eyes is brown')
>>> tuple(encoder.encode(as_frame({"eyes": ["green"], "height": [None]})).shape)
(1, 2)
"""
