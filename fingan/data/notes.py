"""What a reader did to a table and what it noticed, for the report."""

from dataclasses import dataclass, field
from typing import SupportsInt

from pydantic import BaseModel, ConfigDict


class Rule(BaseModel):
    """A rule that was applied to the table, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Short fixed name, for programs."""
    text: str
    """What was done, for people."""
    count: int
    """Rows, cells or columns that the rule touched."""


@dataclass
class Notes:
    """The rules applied so far and the warnings raised so far."""

    rules: list[Rule] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add_rule(self, name: str, text: str, count: SupportsInt) -> None:
        """Record a rule, unless it touched nothing; the same rule again adds to its count."""
        total = int(count)
        if not total:
            return
        for position, rule in enumerate(self.rules):
            if (rule.name, rule.text) == (name, text):
                total += rule.count
                del self.rules[position]
                break
        self.rules.append(Rule(name=name, text=text, count=total))

    def warn(self, text: str) -> None:
        """Record something that the reader left as it is and a person should look at."""
        if text not in self.warnings:
            self.warnings.append(text)
