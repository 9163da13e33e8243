"""What is wrong with a file, said to the person who loads it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One rule that a file breaks. Never holds a value from the file.

    column : the header the rule is about, empty when the whole file is meant.
    rule : what should be, in plain words.
    rows : how many rows break it; 0 when the header or the file itself is at fault.
    hint : what to do next.
    """

    rule: str
    column: str = ""
    rows: int = 0
    hint: str = ""

    def __str__(self) -> str:
        where = f"column «{self.column}»: " if self.column else ""
        count = f" ({self.rows:,} row{'s' if self.rows != 1 else ''})" if self.rows else ""
        return f"{where}{self.rule}{count}{'. ' + self.hint if self.hint else ''}"


class SourceProblem(Exception):
    """A file that cannot be loaded: every problem at once, in plain words, with no value quoted."""

    def __init__(self, file: str, problems: list[Problem]):
        self.file, self.problems = file, problems
        super().__init__("\n".join([f"{file} was not loaded; nothing was changed."] + [f"  - {p}" for p in problems]))

    def __reduce__(self) -> tuple:
        """What it is made of again, when one process hands it to another."""
        return type(self), (self.file, self.problems)
