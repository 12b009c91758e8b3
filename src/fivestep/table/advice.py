"""What to do about a column: on the command line by an option, in Python by changing the DataFrame or the array."""

import shlex
from dataclasses import dataclass
from typing import Literal, final


@final
@dataclass(frozen=True)
class Advice:
    """Advice in the words of the caller's side."""

    of: Literal["file", "frame", "array"]
    """What the column is from."""

    def if_codes(self, name: str) -> str:
        """What to do about numbers that are codes, such as those of cards."""
        if self.of == "array":
            return f"make X a DataFrame with categories in column {name}, or drop it"
        if self.of == "frame":
            column = f"X[{name!r}]"
            return f"make categories of it (pandas: {column} = {column}.astype('category')), or drop it"
        return f"say --categorical {shlex.quote(name)} or --ignore {shlex.quote(name)}, or make texts of the column"

    def if_dates(self, name: str, first: str) -> str:
        """What to do about numbers such as 20231231 that are dates."""
        if self.of == "file":
            return f"write {first[:4]}-{first[4:6]}-{first[6:]} to make them dates"
        if self.of == "array":
            return f"make X a DataFrame with dates in column {name}"
        column = f"X[{name!r}]"
        return f"make them dates (pandas: {column} = pandas.to_datetime({column}, format='%Y%m%d'))"

    def if_gap(self, text: str) -> str:
        """What to do about a text that stands for no value."""
        return f"leave it empty, or say --missing={shlex.quote(text)}" if self.of == "file" else "make it None"

    def for_point(self, value: float) -> str:
        """What to do about an amount of which nothing tells whether it is a `value` with decimals or a thousand."""
        if self.of != "file":
            return "make numbers of the column"
        return f"say --decimal=, if that is {1000 * value:.0f}, or --decimal=. if it is {value:g}"


OF_FILE, OF_FRAME, OF_ARRAY = Advice("file"), Advice("frame"), Advice("array")
