"""A data set from files that may not fit into memory: one pass to learn the encoder, then a stream of its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, final

import polars as pl

from ...check import InputError
from ...table.blocks import BlockTable
from ...table.encoder import Encoder
from ...table.kinds import ColumnKind
from ...table.survey import Place, TableSurvey
from ...table.target_survey import TargetSurvey
from ...table.targets import TargetColumns
from ...table.values import has_decimal_comma, thousands
from .._base import Dataset, Rows
from .._progress import reading_bar
from .block_rows import BlockRows, RowReader, Sample, check_streamable, split_of
from .encoded import rows_of
from .encoded_blocks import EncodedBlocks
from .hash_split import TEST, TRAIN, VALID
from .labeled import check_has_target, texts_of
from .leaks import MOST_ROWS, leaks, never_seen
from .row_weights import checked_weights
from .source import FEWEST, LoadedTable, TableSource, as_text, check_names
from .split import left_out, small_parts
from .table_stream import StreamedPart, TableStream, used_columns, window_rows

PARTS: Mapping[str, int] = {"train": TRAIN, "valid": VALID, "test": TEST}


class _Learned(NamedTuple):
    """The results of one pass over a table: the encoder, the training rows of each block, samples, notes."""

    encoder: Encoder
    kinds: list[ColumnKind]
    counts: tuple[int, ...]
    samples: Mapping[int, Sample]
    notes: list[str]


def load_stream(
    source: TableSource, *, seed: int, encoder: Encoder | None, scales_target: bool, pixels: bool
) -> LoadedTable:
    """`load_table` for a stream, after one pass over all rows: samples, a stream of training rows, the other parts.

    The split is by a hash of the row's number. Refuses also what needs all rows in memory.
    """
    check_streamable(source)
    table = BlockTable.open(source.file, [*source.categorical, *as_text(source)], source.missing, source.ignore)
    check_names(source, list(table.types))
    source = _with_comma(source, table)
    if encoder is not None:
        _read_as_learned(table, encoder)
    reader = RowReader(table, source, split_of(table, source, seed))
    learned = _pass(reader, seed, encoder, scales_target=scales_target, pixels=pixels)
    if encoder is None:
        table.warn_of_tokens(source.file)
    encoder, samples = learned.encoder, dict(learned.samples)
    _read_as_learned(table, encoder)
    readers = dict.fromkeys(PARTS, reader)
    for name, how in (("valid", source.valid), ("test", source.test)):
        if isinstance(how, str):
            readers[name], samples[PARTS[name]] = _other_file(how, source, encoder, seed)
    parts = {
        name: StreamedPart(readers[name], encoder, _part_of(name, source), samples[PARTS[name]].count)
        for name in ("valid", "test")
    }
    rows = {name: _sample(name, samples[part], encoder, source, parts.get(name)) for name, part in PARTS.items()}
    window = window_rows(encoder.in_features, source.window, learned.counts)
    kept = EncodedBlocks(learned.counts) if source.cache else None
    data = Dataset(
        rows["train"],
        rows["valid"],
        rows["test"],
        num_outputs=encoder.targets.num_outputs,
        name=source.name,
        class_names=encoder.targets.class_names,
        stream=TableStream(reader, encoder, learned.counts, window, parts, kept=kept),
        encoder=encoder,
    )
    return LoadedTable(data, learned.kinds, learned.notes)


def _with_comma(source: TableSource, table: BlockTable) -> TableSource:
    """The source, and the table read accordingly, where numbers in it show that a comma stands before decimals."""
    if source.decimal == ",":
        table.take_as_written(list(table.types))
    if source.decimal:
        return source
    sample = table.sample(list(table.types))
    if not has_decimal_comma(sample):
        return source
    table.take_as_written(thousands(sample))
    return replace(source, decimal=",")


def _read_as_learned(table: BlockTable, encoder: Encoder) -> None:
    """From here on, what the encoder knows as plain numbers is read as numbers, and the rest as it is written."""
    table.take_as_written(encoder.read_as_text)
    table.take_for_numbers(set(table.undecided) & encoder.plain_numbers)


def labeled_blocks(encoder: Encoder, file: Path, source: TableSource) -> StreamedPart:
    """The rows of another file, or of several, with the same columns and a target: to measure on, block by block."""
    texts, source = texts_of(encoder, source)
    table = BlockTable.open(str(file), texts, source.missing, source.ignore)
    _read_as_learned(table, encoder)
    check_has_target(encoder, file, list(table.types))
    encoder.check_columns(list(table.types))
    weight = source.weight if source.weight in table.types else None
    reader = RowReader(table, replace(source, file=str(file), group=None, time=None, weight=weight))
    num_rows = sum(len(rows.parts) for _, rows in _read_all(reader, [], "counting the rows"))
    if not num_rows:
        raise InputError(
            f"{file} must have rows with a {' and a '.join(map(repr, encoder.targets.names))} to measure by, got none; "
            f"check the file."
        )
    return StreamedPart(reader, encoder, TRAIN, num_rows, tells_new=True)


def _part_of(name: str, source: TableSource) -> int:
    """The number of a part among its file's; a file of its own has one."""
    return TRAIN if isinstance(getattr(source, name), str) else PARTS[name]


def _pass(reader: RowReader, seed: int, encoder: Encoder | None, *, scales_target: bool, pixels: bool) -> _Learned:
    """Reads every block once."""
    source, table = reader.source, reader.table
    inputs = [name for name in table.types if name not in source.about_rows]
    looks = _Looks(table, source, inputs) if encoder is None else None
    columns = looks.survey.columns if looks is not None else used_columns(encoder) if encoder is not None else []
    samples, counts, num_read = {part: Sample(seed) for part in PARTS.values()}, [], 0
    for block, rows in _read_all(reader, columns, "looking at the rows"):
        train, file = rows.places_of(TRAIN), table.name_of(block)
        num_read += len(rows.parts)
        if looks is not None and len(rows.parts):
            for survey in looks.targets:
                survey.add(rows.frame[survey.name], Place(file, rows.in_file), rows.parts == TRAIN)
        if looks is not None and len(train):
            looks.survey.add(rows.frame, Place(file, rows.in_file[train]), train)
            looks.survey.add_as_written(table.as_written(block, looks.survey.wanted_as_written))
        for part, sample in samples.items():
            sample.add(rows, part)
        counts.append(len(train))
    if num_read < FEWEST:
        raise InputError(
            f"{source.file} must have at least {FEWEST} rows with a target, to train and to test, got {num_read}; add "
            f"some."
        )
    table.warn_of_empty_rows()
    notes = [*left_out(reader.num_left_out, source), *_at_odds(reader)]
    notes += small_parts(source, {name: samples[part].count for name, part in PARTS.items()})
    if looks is None:
        assert encoder is not None, "where nothing is learned, there is an encoder"
        return _Learned(encoder, [], tuple(counts), samples, notes)
    targets = TargetColumns.together([of.target() for of in looks.targets])
    for target, of in zip(targets.columns, looks.targets, strict=True):
        notes += never_seen(target, pl.Series(list(of.trained_on), dtype=pl.String))
    scaled = targets if scales_target else targets.as_they_are()
    if pixels:
        kinds, encoder = looks.survey.pixels(source.categorical, scaled)
    else:
        kinds = looks.survey.kinds()
        encoder = looks.survey.encoder(kinds, scaled)
    notes += leaks(encoder, samples[TRAIN].frame().head(MOST_ROWS))
    return _Learned(encoder, kinds, tuple(counts), samples, notes)


@final
class _Looks:
    """What a pass over the blocks learns about columns and targets."""

    def __init__(self, table: BlockTable, source: TableSource, inputs: list[str]) -> None:
        sample = table.sample([*inputs, *source.targets])
        ignore = set(source.ignore) & set(inputs)
        categorical = set(source.categorical) & set(inputs)
        self.survey = TableSurvey(sample.select(inputs), categorical, ignore, source.decimal)
        self.targets = [TargetSurvey(sample[name], source.task, source.decimal) for name in source.targets]


def _other_file(file: str, source: TableSource, encoder: Encoder, seed: int) -> tuple[RowReader, Sample]:
    """The rows of another file to measure on, all of them in one part, and a sample of them."""
    texts, source = texts_of(encoder, source)
    table = BlockTable.open(file, texts, source.missing, source.ignore)
    _read_as_learned(table, encoder)
    encoder.check_columns(list(table.types))
    check_names(replace(source, ignore=(), categorical=()), list(table.types))
    reader, sample = RowReader(table, source), Sample(seed)
    for _, rows in _read_all(reader, used_columns(encoder), f"looking at the rows of {Path(file).name}"):
        sample.add(rows, TRAIN)
    return reader, sample


def _read_all(reader: RowReader, columns: Sequence[str], text: str) -> Iterator[tuple[int, BlockRows]]:
    """Every block with its number, in their order, their weights looked at, with a bar that is called `text`."""
    weight = reader.source.weight
    num_blocks, num_rows = len(reader.table.blocks), 0
    with reading_bar(text, num_blocks) as show:
        for block in range(num_blocks):
            rows = reader.read(block, columns)
            if weight is not None:
                whose = f" of {reader.table.name_of(block)}"
                checked_weights(rows.frame[weight], rows.in_file, whose, reader.source.decimal)
            yield block, rows
            show(block + 1, num_rows := num_rows + len(rows.parts))


def _sample(name: str, sample: Sample, encoder: Encoder, source: TableSource, part: StreamedPart | None) -> Rows:
    """The rows of a sample, encoded; a value that cannot be read is looked for in the part's files, to be named."""
    if sample.count == 0:
        raise InputError(
            f"{source.file} must have rows in each part, got none to {name}; ask for other shares with --valid, --test."
        )
    try:
        return rows_of(encoder, sample.frame(), source)
    except InputError:
        for _ in () if part is None else part.parts(MOST_ROWS):
            pass
        raise


def _at_odds(reader: RowReader) -> Iterator[str]:
    """What is said of columns that are numbers in some text files and words in others."""
    for name, (numbers, words) in reader.table.at_odds.items():
        if name not in reader.source.ignore:
            yield f"{name!r} holds numbers in {numbers.name} and other words in {words.name}: taken as it is written."
