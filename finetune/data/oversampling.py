"""Key rows that are shown more often: what a model must not get wrong."""

from collections.abc import Sequence

from finetune.recipe import Oversample
from finetune.records import Record


def times_shown(record: Record, rules: Sequence[Oversample]) -> int:
    """Return how often a training record is to stand in the data, at least once.

    A rule speaks for a record whose questions or answers hold its text, as it is written. Of
    several rules the largest number counts.
    """
    texts = [text for turn in record.turns for text in (turn.user, turn.answer)]
    spoken = (rule.times for rule in rules if any(rule.match in text for text in texts))
    return max(spoken, default=1)
