"""Key rows that are shown more often in training: what a model must not get wrong."""

from collections.abc import Sequence

from finetune.recipe import Oversample
from finetune.records import Record


def times_shown(record: Record, rules: Sequence[Oversample]) -> int:
    """Return how often a training record is to be in the data, at least once.

    A rule matches a record whose questions or answers hold its text, as it is written.
    """
    texts = [text for turn in record.turns for text in (turn.user, turn.answer)]
    matching = (rule.times for rule in rules if any(rule.match in text for text in texts))
    # The largest, not the product: two rules for one row would soon show nothing else.
    return max(matching, default=1)
