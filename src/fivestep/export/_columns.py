"""The encoder as ONNX operations: from raw columns (N, 1), one input each, to the rows x of the network.

A number is a double, and so is a date, in seconds since 1970; NaN if missing. A text category is a string without
surrounding blanks, empty if missing; a numeric category is a double.
"""

from typing import TYPE_CHECKING

import numpy as np

from ..table.columns import DateColumn, FittedColumn, LevelColumn
from ..table.encoder import FARTHEST, Encoder
from ..table.values import MISSING
from ._graph import Graph

if TYPE_CHECKING:
    import onnx

SECONDS_OF_A_DAY = 86400
SPELLINGS = {"true": ("True", "TRUE"), "false": ("False", "FALSE")}
"""Alternative spellings of a level."""


def inputs_of(encoder: Encoder) -> "list[onnx.ValueInfoProto]":
    """The inputs of the graph, one for each column."""
    import onnx

    types = {True: onnx.TensorProto.STRING, False: onnx.TensorProto.DOUBLE}
    make = onnx.helper.make_tensor_value_info
    return [make(column.name, types[_is_text(column)], ["N", 1]) for column in encoder.columns]


def encode(graph: Graph, encoder: Encoder) -> str:
    """X (N, D + J) in float32, from inputs named like the columns."""
    numbers: list[str] = []
    codes: list[str] = []
    for column in encoder.columns:
        if isinstance(column, LevelColumn):
            (codes if column.num_codes else numbers).extend(_level(graph, column))
        else:
            numbers.extend(_number_or_date(graph, column))
    parts = [_scaled(graph, encoder, graph.add("Concat", *numbers, axis=1))] if numbers else []
    return graph.add("Concat", *parts, *(graph.cast(code, "FLOAT") for code in codes), axis=1)


def _is_text(column: FittedColumn) -> bool:
    return isinstance(column, LevelColumn) and not column.holds_numbers


def _double(graph: Graph, value: object) -> str:
    return graph.constant(np.asarray(value), np.float64)


def _number_or_date(graph: Graph, column: FittedColumn) -> list[str]:
    found = _date_parts(graph, column.name) if isinstance(column, DateColumn) else [column.name]
    can_be_missing = column.features[-1] == f"{column.name} is missing"
    return [*found, *([graph.cast(graph.add("IsNaN", column.name), "DOUBLE")] if can_be_missing else [])]


def _date_parts(graph: Graph, seconds: str) -> list[str]:
    """Days, year, month, day, weekday and hour by Gregorian calendar arithmetic; NaN stays NaN.

    Years are counted from March, so that the leap day is the last of a year, in eras of 400 years, which have 146,097
    days. Hinnant 2013, "chrono-compatible low-level date algorithms", `civil_from_days`.
    """

    def arithmetic(operation: str, a: str, b: float) -> str:
        return graph.add(operation, a, _double(graph, float(b)))

    def floor_divided(a: str, b: float) -> str:
        return graph.add("Floor", arithmetic("Div", a, b))

    def remainder(a: str, b: float) -> str:
        return graph.add("Sub", a, arithmetic("Mul", floor_divided(a, b), b))

    day_number = floor_divided(seconds, SECONDS_OF_A_DAY)
    since_era_0 = arithmetic("Add", day_number, 719468)
    era, of_era = floor_divided(since_era_0, 146097), remainder(since_era_0, 146097)
    leaps = [(-1, 1460), (1, 36524), (-1, 146096)]
    corrected = of_era
    for sign, length in leaps:
        corrected = graph.add("Add" if sign > 0 else "Sub", corrected, floor_divided(of_era, length))
    year_of_era = floor_divided(corrected, 365)
    days_before = graph.add(
        "Sub",
        graph.add("Add", arithmetic("Mul", year_of_era, 365), floor_divided(year_of_era, 4)),
        floor_divided(year_of_era, 100),
    )
    of_year = graph.add("Sub", of_era, days_before)
    month_from_march = floor_divided(arithmetic("Add", arithmetic("Mul", of_year, 5), 2), 153)
    before_month = floor_divided(arithmetic("Add", arithmetic("Mul", month_from_march, 153), 2), 5)
    day = arithmetic("Add", graph.add("Sub", of_year, before_month), 1)
    month = arithmetic("Add", remainder(arithmetic("Add", month_from_march, 2), 12), 1)
    is_next_year = graph.cast(graph.add("Less", month, _double(graph, 3.0)), "DOUBLE")
    year = graph.add("Add", graph.add("Add", year_of_era, arithmetic("Mul", era, 400)), is_next_year)
    weekday = arithmetic("Add", remainder(arithmetic("Add", day_number, 3), 7), 1)  # 1970 began on a Thursday
    hour = floor_divided(remainder(seconds, SECONDS_OF_A_DAY), 3600)
    return [arithmetic("Div", seconds, SECONDS_OF_A_DAY), year, month, day, weekday, hour]


def _level(graph: Graph, column: LevelColumn) -> list[str]:
    """The raw numbers of a category, or its code."""
    codes = _codes_of_numbers(graph, column) if column.holds_numbers else _codes_of_texts(graph, column)
    if column.num_codes:
        return [codes]
    num_levels = len(column.levels)
    wanted = list(range(1, num_levels + 1 + column.can_be_missing))
    if not wanted:
        return []
    found = graph.cast(graph.add("Equal", codes, _double(graph, [wanted])), "DOUBLE")  # (N, L), and one for gaps
    if num_levels != 2:
        return [found]
    signs = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[: len(wanted), : 1 + column.can_be_missing]
    return [graph.add("MatMul", found, _double(graph, signs))]


def _code_of_gap(column: LevelColumn) -> int:
    return len(column.levels) + 1 if column.can_be_missing else 0


def _codes_of_texts(graph: Graph, column: LevelColumn) -> str:
    known = dict.fromkeys(MISSING, _code_of_gap(column))
    for code, level in enumerate(column.levels, 1):
        known |= dict.fromkeys((level, *SPELLINGS.get(level, ())), code)
    codes = graph.add(
        "LabelEncoder",
        column.name,
        domain="ai.onnx.ml",
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=0,
    )
    return graph.cast(codes, "DOUBLE")


def _codes_of_numbers(graph: Graph, column: LevelColumn) -> str:
    values = [float(level) for level in column.levels]
    gap = graph.add("Mul", graph.cast(graph.add("IsNaN", column.name), "DOUBLE"), _double(graph, _code_of_gap(column)))
    if not values:
        return gap
    found = graph.cast(graph.add("Equal", column.name, _double(graph, [values])), "DOUBLE")  # (N, L)
    numbered = _double(graph, [[k] for k in range(1, len(values) + 1)])
    return graph.add("Add", graph.add("MatMul", found, numbered), gap)


def _scaled(graph: Graph, encoder: Encoder, raw: str) -> str:
    """The numbers on the encoder's scale, (N, D) in float32."""
    center = graph.constant(encoder.center[None], np.float64)
    scale = graph.constant(encoder.scale[None], np.float64)
    z = graph.add("Mul", graph.add("Sub", raw, center), scale)
    z = graph.add("Where", graph.add("IsNaN", z), _double(graph, 0.0), z)
    if encoder.clip is not None:
        z = graph.add("Clip", z, _double(graph, -FARTHEST), _double(graph, FARTHEST))
        share = graph.add("Div", z, _double(graph, encoder.clip))
        square = graph.add("Mul", share, share)
        z = graph.add("Div", z, graph.add("Sqrt", graph.add("Add", square, _double(graph, 1.0))))
    return graph.cast(z, "FLOAT")
