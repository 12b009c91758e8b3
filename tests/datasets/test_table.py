"""A file as a data set: parts, encoder, and what its user should know."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._baselines import baselines
from fivestep.datasets._table import LoadedTable, TableSource, labeled_rows, load_table
from fivestep.datasets._table.leaks import told_by
from fivestep.table.encoder import Encoder
from fivestep.table.target import NumberTarget

N = 200


def table(**more: Any) -> pl.DataFrame:
    chance = np.random.default_rng(0)
    x = chance.normal(size=N)
    columns = {
        "x": x,
        "noise": chance.normal(size=N),
        "color": chance.choice(["red", "green", "blue"], N),
        "kind": np.where(x + 0.5 * chance.normal(size=N) > 0.8, "yes", "no"),
        "price": 3 * x + chance.normal(size=N),
        "day": [f"2024-{k % 12 + 1:02d}-{k % 28 + 1:02d}" for k in range(N)],
        "person": [f"p{k % 23}" for k in range(N)],
    }
    return pl.DataFrame(columns | more)


def loaded(tmp_path: Path, frame: pl.DataFrame, target: str, **options: Any) -> LoadedTable:
    frame.write_csv(tmp_path / "t.csv")
    return load_table(TableSource(str(tmp_path / "t.csv"), target, **options), seed=0)


def encoded(encoder: Encoder, frame: pl.DataFrame, value: str, column: str) -> list[float]:
    """What one value of a column becomes."""
    one = frame.filter(pl.col(column) == value).head(1)
    return encoder.encode(one)[0, encoder.places[column]].tolist()


def sizes(table: LoadedTable) -> tuple[int, int, int]:
    assert table.data.valid is not None
    assert table.data.test is not None
    return len(table.data.train), len(table.data.valid), len(table.data.test)


def test_a_fifth_tests_and_a_fifth_of_the_rest_validates_with_the_classes_in_their_shares(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(), "kind", ignore=("price",))
    assert sizes(found) == (128, 32, 40)
    assert found.data.class_names == ("no", "yes")
    share = (table()["kind"] == "yes").mean()
    for rows in (found.data.train, found.data.valid, found.data.test):
        assert rows is not None
        assert rows.y.double().mean().item() == pytest.approx(share, abs=1 / len(rows))


def test_the_split_is_drawn_from_the_seed(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "t.csv")
    source = TableSource(str(tmp_path / "t.csv"), "kind")
    first, same, other = (load_table(source, seed=seed).data.train.x for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_median_mean_and_levels_come_from_the_training_part_alone(tmp_path: Path) -> None:
    frame = table()
    found = loaded(tmp_path, frame, "price", ignore=("kind",))
    frame.with_columns(pl.col("x") * 1e6, pl.col("price") * 1e6).head(30).write_csv(tmp_path / "other.csv")
    other = loaded(tmp_path, frame, "price", ignore=("kind",), test=str(tmp_path / "other.csv"))
    assert other.data.encoder is not None
    assert found.data.train.y.mean().abs() < 1e-12
    assert other.data.train.y.mean().abs() < 1e-12
    assert abs(other.data.encoder.center[0].item()) < 1


@pytest.mark.parametrize("group", ["person", "town"])
def test_rows_of_one_group_stay_in_one_part(tmp_path: Path, group: str) -> None:
    town = np.arange(N) % 23
    frame = table(town=town, person=[f"p{k}" for k in town], group_number=town * 1000 + 0.5)
    unread = ({"person", "town"} - {group}) | {"kind", "day", "color", "noise", "x"}
    found = loaded(tmp_path, frame, "price", group=group, ignore=tuple(unread))
    numbers = [set(rows.x[:, 0].tolist()) for rows in (found.data.train, found.data.valid, found.data.test) if rows]
    assert all(numbers)
    assert len(numbers[0] | numbers[1] | numbers[2]) == sum(map(len, numbers))


def test_three_groups_are_enough_for_three_parts(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(town=np.arange(N) % 3), "price", group="town")
    assert sorted(sizes(found)) == [66, 67, 67]


@pytest.mark.parametrize("seed", range(6))
def test_a_group_of_most_rows_is_to_train_on(tmp_path: Path, seed: int) -> None:
    table(town=np.clip(np.arange(N) - N + 20, 0, 20) // 5).write_csv(tmp_path / "t.csv")
    found = load_table(TableSource(str(tmp_path / "t.csv"), "price", group="town"), seed=seed)
    assert min(sizes(found)) >= 5
    assert len(found.data.train) >= N - 20


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_of_small_groups_beside_a_large_one_are_shared_by_validation_and_test(
    tmp_path: Path, seed: int
) -> None:
    table(town=np.maximum(np.arange(N) - N + 20, 0)).write_csv(tmp_path / "t.csv")
    found = load_table(TableSource(str(tmp_path / "t.csv"), "price", group="town"), seed=seed)
    assert sizes(found)[2] in (9, 10)
    assert sizes(found)[1] in (9, 10)


@pytest.mark.parametrize("seed", range(4))
def test_a_part_of_next_to_nothing_is_noted_and_is_not_the_one_to_test_on(tmp_path: Path, seed: int) -> None:
    table(town=np.arange(N) // 99).write_csv(tmp_path / "t.csv")
    source = TableSource(str(tmp_path / "t.csv"), "price", group="town")
    found = load_table(source, seed=seed)
    assert sizes(found) == (99, 2, 99)
    assert found.notes[0].startswith("--group leaves 2 of about 32 rows to validate on, as it keeps equal values")


def test_a_time_of_most_rows_is_noted(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(t=np.r_[np.zeros(2), np.ones(8), [2] * 190]), "price", time="t")
    assert sizes(found) == (2, 8, 190)
    assert [note for note in found.notes if note.startswith("--time")] == [
        "--time leaves 2 of about 128 rows to train on, as it keeps equal values together: what so few rows say is "
        "mostly chance; a column of more and smaller times would part them better."
    ]


@pytest.mark.parametrize("options", [{"group": "person"}, {"time": "x"}, {"group": "person", "valid": 8.0}])
def test_parts_that_have_enough_are_not_noted(tmp_path: Path, options: dict[str, Any]) -> None:
    assert not [note for note in loaded(tmp_path, table(), "price", **options).notes if note.startswith("--")]


def test_three_times_are_enough_for_three_parts(tmp_path: Path) -> None:
    assert sizes(loaded(tmp_path, table(t=np.r_[np.zeros(150), np.ones(30), [2] * 20]), "price", time="t")) == (
        150,
        30,
        20,
    )
    assert sizes(loaded(tmp_path, table(t=np.r_[np.zeros(20), np.ones(30), [2] * 150]), "price", time="t")) == (
        20,
        30,
        150,
    )


def test_by_time_the_latest_rows_test_and_those_before_them_validate(tmp_path: Path) -> None:
    frame = table(row=np.arange(N) + 0.5, day=[f"{2000 + k // 300}-{k % 12 + 1:02d}-01" for k in range(N)])
    found = loaded(tmp_path, frame.drop("day"), "price", time="row", ignore=("kind", "color", "noise", "person"))
    order = frame["x"].to_list()
    assert sizes(found) == (128, 32, 40)
    assert found.data.encoder is not None
    again = found.data.encoder.encode(frame.tail(40))
    assert found.data.test is not None
    assert torch.equal(found.data.test.x, again)
    assert "row" not in [column.name for column in found.data.encoder.columns]
    assert len(order) == N


def test_weights_come_with_the_rows(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(w=np.full(N, 2.5)), "price", weight="w")
    assert found.data.train.weight is not None
    assert set(found.data.train.weight.tolist()) == {2.5}


@pytest.mark.parametrize("wrong", ["-1", "x", ""])
def test_a_weight_that_is_none_is_named_with_its_row(tmp_path: Path, wrong: str) -> None:
    weights = ["1"] * N
    weights[0:N] = [wrong] * N
    with pytest.raises(InputError, match=r"weight 'w' must be a number of at least 0 in row 1, got"):
        loaded(tmp_path, table(w=weights), "price", weight="w")


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    frame = table().with_columns(pl.when(pl.int_range(N) < 7).then(None).otherwise("price").alias("price"))
    found = loaded(tmp_path, frame, "price")
    assert sum(sizes(found)) == N - 7
    assert "7 rows have no 'price' to learn from or to be measured by: left out." in found.notes


def test_a_row_that_cannot_be_read_is_numbered_as_in_the_file_where_others_have_no_target(tmp_path: Path) -> None:
    gone = pl.int_range(N) < 10
    frame = table(weight=np.ones(N)).with_columns(price=pl.when(gone).then(None).otherwise("price"))
    spoilt = frame.with_columns(weight=pl.when(pl.int_range(N) == 150).then(-1.0).otherwise("weight"))
    with pytest.raises(InputError, match="a number of at least 0 in row 151, got -1"):
        loaded(tmp_path, spoilt, "price", weight="weight")
    late = frame.with_columns(day=pl.when(pl.int_range(N) == 150).then(pl.lit("never")).otherwise("day"))
    with pytest.raises(InputError, match="time 'day' must be a date written YYYY-MM-DD in row 151, got 'never'"):
        loaded(tmp_path, late, "price", time="day")
    infinite = frame.with_columns(price=pl.when(pl.int_range(N) == 150).then(float("inf")).otherwise("price"))
    with pytest.raises(InputError, match="in row 151"):
        loaded(tmp_path, infinite, "price")


def test_the_target_among_the_columns_is_noticed(tmp_path: Path) -> None:
    frame = table(copy=table()["price"] * 2 + 1, code=(table()["kind"] == "yes").cast(pl.Int8) + 5)
    assert any("'copy' alone predicts 'price'" in note for note in loaded(tmp_path, frame, "price").notes)
    assert any("'code' alone predicts 'kind'" in note for note in loaded(tmp_path, frame, "kind").notes)


def test_several_columns_that_tell_the_target_are_one_sentence(tmp_path: Path) -> None:
    frame = table(copy=table()["price"] * 2 + 1).with_columns(pl.col("copy").alias("a b"))
    assert loaded(tmp_path, frame, "price").notes == [
        "'copy' and 'a b' each alone predict 'price' (at least 100.0% of its variance explained): if they are not "
        "known before the target is, leave them out with --ignore copy 'a b'."
    ]


def test_an_honest_column_is_not_suspected(tmp_path: Path) -> None:
    assert loaded(tmp_path, table(), "price").notes == []
    assert loaded(tmp_path, table(), "kind", ignore=("price",)).notes == []


def test_what_one_column_tells_is_between_nothing_and_all() -> None:
    chance = np.random.default_rng(0)
    x = chance.normal(size=1000)
    y = torch.from_numpy(np.sin(2 * x))
    assert told_by(x, y, is_class=False) > 0.99
    assert told_by(chance.normal(size=1000), y, is_class=False) < 0.1
    labels = torch.from_numpy((x > 0).astype(int))
    assert told_by(x, labels, is_class=True) > 0.99
    assert told_by(chance.normal(size=1000), labels, is_class=True) < 0.6


def test_a_leak_is_noticed_in_a_table_of_thirty_two_rows(tmp_path: Path) -> None:
    frame = table().head(32).with_columns(kind=pl.Series(["yes", "no"] * 16), code=pl.Series([2.5, 1.25] * 16))
    assert loaded(tmp_path, frame.drop("code"), "kind").notes == []
    found = loaded(tmp_path, frame, "kind")
    assert [note.partition(":")[0] for note in found.notes] == [
        "'code' alone predicts 'kind' (100.0% of each class found)"
    ]


def test_columns_of_noise_beside_twenty_rows_are_no_leaks() -> None:
    chance = np.random.default_rng(0)
    labels, numbers = torch.tensor([0, 1] * 10), torch.from_numpy(chance.normal(size=20))
    columns = [chance.normal(size=20) for _ in range(2000)]
    assert max(told_by(x, labels, is_class=True) for x in columns) < 0.99
    assert max(told_by(x, numbers, is_class=False) for x in columns) < 0.99


def test_rows_in_two_parts_are_noticed(tmp_path: Path) -> None:
    frame = pl.concat([table(), table()])
    assert any("equal to a training row, target included" in note for note in loaded(tmp_path, frame, "price").notes)


OTHER_TYPES: dict[str, pl.Expr] = {
    "whole numbers": pl.col("n").cast(pl.Int16),
    "single precision": pl.col("x").cast(pl.Float32),
    "texts": pl.col("n").cast(pl.String) + ".0",
    "codes of a category": pl.col("color").cast(pl.Categorical),
    "dates": pl.col("day").str.to_date(),
    "the target as text": pl.col("price").cast(pl.String),
}


@pytest.mark.parametrize("change", list(OTHER_TYPES))
def test_rows_of_a_second_file_are_noticed_in_whatever_types_they_come(tmp_path: Path, change: str) -> None:
    frame = table(n=np.arange(N) % 17 * 3)
    again = frame.head(30).with_columns(OTHER_TYPES[change])
    new = table(n=np.arange(N) % 17 * 3 + 1).tail(20).with_columns(OTHER_TYPES[change])
    pl.concat([again, new]).write_parquet(tmp_path / "other.parquet")
    notes = loaded(tmp_path, frame, "price", test=str(tmp_path / "other.parquet"), valid=0.1).notes
    [found] = [note for note in notes if "equal to a training row, target included" in note]
    number, of = (int(word) for word in found.split() if word.isdigit())
    assert of == 50
    assert 20 <= number < 30, "all of the repeated rows but those that validate"


def test_rows_of_a_second_file_in_other_types_that_are_new_are_no_reason_to_warn(tmp_path: Path) -> None:
    frame = table(n=np.arange(N) % 17)
    new = frame.with_columns(n=(pl.col("n") + 100).cast(pl.String), color=pl.lit("green"))
    new.write_parquet(tmp_path / "other.parquet")
    notes = loaded(tmp_path, frame, "price", test=str(tmp_path / "other.parquet")).notes
    assert not any("equal to a training row" in note for note in notes)


def test_a_value_that_is_infinite_is_named_with_its_row_in_the_file(tmp_path: Path) -> None:
    frame = table().with_columns(pl.when(pl.int_range(N) == 150).then(float("inf")).otherwise("x").alias("x"))
    with pytest.raises(InputError, match="column 'x' must hold finite numbers, got 'inf' in row 151;"):
        loaded(tmp_path, frame, "price")


def test_a_word_among_numbers_is_named_with_its_row_in_the_file(tmp_path: Path) -> None:
    texts = table()["x"].cast(pl.String)
    frame = table().with_columns(pl.when(pl.int_range(N) == 150).then(pl.lit("big")).otherwise(texts).alias("x"))
    with pytest.raises(InputError, match=r"column 'x' must hold numbers, as 199 of its 200 .*, got 'big' in row 151;"):
        loaded(tmp_path, frame, "price")


def test_baselines_are_the_mean_and_a_linear_model_in_the_units_of_the_target(tmp_path: Path) -> None:
    frame = table().with_columns(price=pl.col("price") * 100 + 7)
    known = baselines(loaded(tmp_path, frame, "price", ignore=("kind",)).data)
    assert known["the mean"]["price"] == pytest.approx(100 * 10**0.5, rel=0.3)  # sqrt(9 + 1) of 3 x + noise
    assert known["a linear model"]["price"] == pytest.approx(100, rel=0.35)  # the noise, and x through the clip


def test_a_linear_model_of_few_rows_is_not_held_back_by_its_penalty(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(12.0), "y": 2 * np.arange(12.0) + 1})
    known = baselines(loaded(tmp_path, frame, "y").data)
    assert (
        known["a linear model"]["y"] < known["the mean"]["y"] / 10
    )  # what is left is of x, which goes through the clip


def test_the_majority_is_a_baseline_for_classes(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(), "kind", ignore=("price",))
    known = baselines(found.data)
    assert found.data.test is not None
    assert known["always 'no'"]["kind"] == pytest.approx((found.data.test.y == 0).double().mean().item())
    assert known["a linear model"]["kind"] > known["always 'no'"]["kind"]


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        ("prise", {}, "the target column must be one of .*did you mean 'price'"),
        ("price", {"weight": "wait"}, "the weight column must be one of"),
        (
            "price",
            {"group": "person", "time": "day"},
            "--group and --time must not be used together, got 'person' and 'day'; leave out one",
        ),
        (
            "price",
            {"ignore": ("price",)},
            "the target column must be none of --categorical and --ignore, got 'price'",
        ),
        (
            "price",
            {"test": 500.0},
            r"--test must be a share in \(0, 1\) that leaves a row, a number of rows below 200, or a file, got 500;",
        ),
        (
            "price",
            {"test": 0.999},
            r"--test must be a share in \(0, 1\) that leaves a row, .*, got 0\.999; 0\.2 is usual",
        ),
        (
            "price",
            {"test": "gone.csv"},
            r"--test must be a share, a number of rows, or a file that exists, got 'gone\.csv'",
        ),
        ("price", {"ignore": ("x,noise",)}, r"must be one column, got 'x,noise'; write them apart: x noise\."),
        (
            "price",
            {"ignore": ("x",), "categorical": ("x",)},
            r"must be in one of --categorical and --ignore, not in both",
        ),
        ("price", {"valid": -1.0}, r"--valid must be a share in \(0, 1\)"),
        (
            "price",
            {"weight": "price"},
            "the columns of target, group, time and weight must be different ones, got 'price'",
        ),
        ("price", {"test": "nothing.csv"}, "--test must be .* or a file that exists, got 'nothing.csv'; check"),
        (
            "color",
            {"task": "regression"},
            "target 'color' must hold finite numbers for a regression, such as 1234.5, got '.*' in row 1;",
        ),
        ("price", {"time": "color"}, "time 'color' must be a date or a number in row 1"),
        (
            "price",
            {"group": "kind"},
            "group 'kind' must be a column of 3 groups or more, one .*, got 2; leave",
        ),
        (
            "price",
            {"time": "two_days"},
            "time 'two_days' must be a column of 3 different times or more, one .*, got 2; leave",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, target: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        loaded(tmp_path, table(two_days=["2024-01-01", "2024-02-01"] * (N // 2)), target, **options)


@pytest.mark.parametrize("part", ["valid", "test"])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.drop("x"), r"in .*other\.csv, the table must have the column 'x'"),
        (lambda f: f.with_columns(x=pl.lit("word")), r"in .*other\.csv, column 'x' must hold numbers, .* in row 1;"),
        (lambda f: f.with_columns(kind=pl.lit("perhaps")), r"in .*other\.csv, target 'kind' must hold one of the 2"),
    ],
    ids=["column", "value", "class"],
)
def test_what_is_wrong_in_another_file_names_it(
    tmp_path: Path, part: str, change: Callable[[pl.DataFrame], pl.DataFrame], sentence: str
) -> None:
    change(table()).write_csv(tmp_path / "other.csv")
    with pytest.raises(InputError, match=sentence):
        loaded(tmp_path, table(), "kind", **{part: str(tmp_path / "other.csv")})


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (table().head(1), "must have at least 5 rows with a target, to train and to test, got 1"),
        (
            table().with_columns(kind=pl.lit("yes")),
            "must be a column of two classes or more, got 'yes'; add",
        ),
        (table().with_columns(kind=pl.lit("NA")), "target 'kind' must be a column with values, got no value at all"),
    ],
    ids=["one row", "one class", "no target"],
)
def test_a_table_to_learn_nothing_from_is_refused(tmp_path: Path, frame: pl.DataFrame, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        loaded(tmp_path, frame, "kind", ignore=("price",))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"target": "x"},
            r"^target in \[run\.table\] must be 'kind', which the network predicts, got 'x'; put it back",
        ),
        (
            {"file": "gone.csv"},
            r"^the file that the run was trained on must be where it was, got none at 'gone\.csv'; put",
        ),
        ({"stream": "yes"}, r"^stream in \[run\.table\] must be true or false, got 'yes'; put it back as it was\.$"),
        ({"ignore": "x"}, r"^ignore in \[run\.table\] must be a list of columns, got 'x'; put it back as it was\.$"),
        (
            {"target": 7},
            r"^target in \[run\.table\] must be a column, or a list of columns, got 7; put it back as it was\.$",
        ),
        (
            {"targets": "x"},
            r"^a setting of \[run\.table\] must be one of file, .*, got 'targets'; did you mean 'target'\?$",
        ),
    ],
)
def test_what_a_run_says_of_its_file_must_go_with_its_encoder(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    found = loaded(tmp_path, table(), "kind", ignore=("price",))
    told = TableSource(str(tmp_path / "t.csv"), "kind", ignore=("price",)).to_dict() | change
    with pytest.raises(InputError, match=sentence):
        load_table(TableSource.from_dict(told), seed=0, encoder=found.data.encoder)


def test_weights_are_numbers_however_they_are_written(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(w=["2,5"] * N), "price", weight="w")
    assert found.data.train.weight is not None
    assert set(found.data.train.weight.tolist()) == {2.5}


def test_a_token_for_gaps_that_stands_nowhere_is_warned_of(tmp_path: Path) -> None:
    gaps = table(color=["unknown", "red"] * (N // 2))
    with pytest.warns(UserWarning, match=r"--missing unknwon is ignored, as no value of .*t\.csv is that; check how"):
        loaded(tmp_path, gaps, "price", missing=("unknown", "unknwon", "NA"))


AMOUNTS = ["1.234,5", "2.000", "3.500", "900"] * (N // 4)
CODES = ["007", "01", "7", "1"] * (N // 4)


@pytest.mark.parametrize("part", ["valid", "test"])
def test_numbers_and_levels_of_another_file_are_read_as_those_to_train_on(tmp_path: Path, part: str) -> None:
    frame = table(amount=AMOUNTS, code=CODES)
    other = frame.filter(pl.col("amount") == "2.000", pl.col("code").is_in(["01"]))
    assert other.height == N // 4
    other.write_csv(tmp_path / "other.csv")
    found = loaded(tmp_path, frame, "price", categorical=("code",), **{part: str(tmp_path / "other.csv")})
    assert found.data.encoder is not None
    rows, encoder = getattr(found.data, part), found.data.encoder
    assert rows.x[:, encoder.places["amount"]].unique().tolist() == encoded(encoder, frame, "2.000", "amount")
    assert rows.x[0, encoder.places["code"]].tolist() == encoded(encoder, frame, "01", "code")


def test_a_file_to_measure_on_is_read_as_the_one_to_train_on(tmp_path: Path) -> None:
    frame = table(amount=AMOUNTS, code=CODES)
    found = loaded(tmp_path, frame, "amount", categorical=("code",))
    frame.filter(pl.col("amount") == "2.000").write_csv(tmp_path / "other.csv")
    assert found.data.encoder is not None
    rows = labeled_rows(found.data.encoder, tmp_path / "other.csv", None)
    assert isinstance(found.data.encoder.targets.columns[0], NumberTarget)
    assert found.data.encoder.targets.columns[0].decode(rows.y).unique().tolist() == pytest.approx([2000])
    assert rows.x[0, found.data.encoder.places["code"]].tolist() == encoded(found.data.encoder, frame, "01", "code")


def test_the_target_is_written_as_in_all_rows_and_scaled_by_those_to_train_on(tmp_path: Path) -> None:
    amounts = ["1.234,5", *["2.000", "3.500"] * (N // 2)][:N]
    with_one = [loaded(tmp_path, table(amount=amounts), "amount", test=how).data for how in (0.2, 0.9)]
    targets = [data.encoder.targets.columns[0] for data in with_one if data.encoder is not None]
    assert all(isinstance(target, NumberTarget) and target.mean > 1000 for target in targets)


def test_what_stands_before_decimals_can_be_said_of_a_file(tmp_path: Path) -> None:
    frame = table(amount=["1.234", "2.500", "900", "3.000"] * (N // 4), price=["1.100", "2.200"] * (N // 2))
    found = loaded(tmp_path, frame, "price", decimal=",", task="regression")
    details = {kind.name: kind.detail for kind in found.kinds}
    assert details["amount"] == "900 to 3000, as 1.234,5"
    assert found.data.encoder is not None
    assert isinstance(found.data.encoder.targets.columns[0], NumberTarget)
    assert found.data.encoder.targets.columns[0].mean == pytest.approx(1650, rel=0.1)


def test_one_column_with_a_decimal_comma_tells_what_the_others_mean(tmp_path: Path) -> None:
    """Of a file in which 0,5 is a half, 1.234 is a thousand, and 1,234 is a little more than one."""
    frame = table(
        half=["0,5", "1,25"] * (N // 2), thousand=["1.234", "900"] * (N // 2), one=["1,234", "2,345"] * (N // 2)
    )
    frame = frame.select("half", "thousand", "one", "color", kind="kind")
    found = loaded(tmp_path, frame, "kind")
    details = {kind.name: kind.detail for kind in found.kinds}
    assert details["half"] == "0.5 to 1.25, as 1234,5"
    assert details["thousand"] == "900 to 1234, as 1.234,5"
    assert details["one"] == "1.234 to 2.345, as 1234,5"
    again = load_table(TableSource(str(tmp_path / "t.csv"), "kind"), seed=0, encoder=found.data.encoder)
    assert again.data.train.x.equal(found.data.train.x)


def test_a_class_that_no_training_row_has_is_named(tmp_path: Path) -> None:
    frame = table().sort("x")
    rare = frame.with_columns(kind=pl.when(pl.int_range(N) == N - 1).then(pl.lit("rare")).otherwise("kind"))
    found = loaded(tmp_path, rare, "kind", time="x")
    assert "No training row has the class 'rare', which the network cannot learn; add rows of it." in found.notes
    assert not any(note.startswith("No training row") for note in loaded(tmp_path, frame, "kind").notes)


def test_of_several_classes_that_no_training_row_has_three_are_named(tmp_path: Path) -> None:
    place = pl.int_range(N)
    rare = (
        table().sort("x").with_columns(kind=pl.when(place >= N - 4).then("r" + place.cast(pl.String)).otherwise("kind"))
    )
    (note,) = [note for note in loaded(tmp_path, rare, "kind", time="x").notes if note.startswith("No training row")]
    assert note.endswith("cannot learn; add rows of them: 'r196', 'r197', 'r198' and 1 more.")


@pytest.mark.parametrize(
    ("written", "detail"), [(("1.000", "3.000"), "1000 to 3000, as 1.234,5"), (("1.0", "3.0"), "1 to 3")]
)
def test_exact_thousands_are_told_by_how_they_are_written(
    tmp_path: Path, written: tuple[str, str], detail: str
) -> None:
    frame = table(half=["0,5", "1,25"] * (N // 2), exact=[*written] * (N // 2)).select("half", "exact", "kind")
    found = loaded(tmp_path, frame, "kind")
    assert {kind.name: kind.detail for kind in found.kinds}["exact"] == detail


def test_what_a_comma_is_holds_for_weights_and_times_too(tmp_path: Path) -> None:
    """With --decimal=, 1.000 is more than 700, as a weight and as a time."""
    times = pl.Series(["500"] * 120 + ["700"] * 50 + ["1.000"] * 30)
    frame = table().with_columns(time=times, weight=times.reverse())
    found = loaded(tmp_path, frame, "price", weight="weight", time="time", valid=50, test=30, decimal=",")
    assert sizes(found) == (120, 50, 30)
    assert found.data.train.weight is not None
    assert found.data.train.weight.unique().tolist() == [500, 700, 1000]


def test_files_of_one_name_in_two_folders_have_no_place_in_another_one() -> None:
    source = TableSource("train/data.csv", "y", test="test/data.csv")
    sentence = (
        "--data-dir must be left out for files of the same name, 'train/data.csv' and 'test/data.csv', got 'there'"
    )
    with pytest.raises(InputError, match=sentence):
        source.in_folder(Path("there"))
    assert replace(source, test="test/other.csv").in_folder(Path("there")).test == "there/other.csv"


def test_what_training_never_saw_is_said_of_other_rows_too(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(), "price", ignore=("kind",))
    other = table().head(10).with_columns(color=pl.lit("pink"), price=pl.when(pl.int_range(10) > 0).then("price"))
    other.write_csv(tmp_path / "other.csv")
    assert found.data.encoder is not None
    with pytest.warns(UserWarning, match="9 of 9 rows have a 'color' that training never saw, or hardly"):
        labeled_rows(found.data.encoder, tmp_path / "other.csv", TableSource("t.csv", "price"))
