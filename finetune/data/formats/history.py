"""Earlier turns of a row, as Alpaca and ms-swift keep them: a list of [question, answer]."""

import json

from finetune.data.field_names import HISTORY_NAMES
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, RowError, RowFields, require_text
from finetune.records import Turn
from ingest.foundation.messages import Message


def parse_history(fields: RowFields) -> tuple[Turn, ...]:
    """Return the turns of a row's history, () if it has none.

    Raises:
        RowError: it is not a list of pairs.
    """
    history = fields.value("history", *HISTORY_NAMES)
    if isinstance(history, str):  # a cell of a table
        try:
            history = json.loads(history) if history.strip() else []
        except (ValueError, RecursionError) as error:
            raise _not_a_history() from error
    if history and not isinstance(history, list):
        raise _not_a_history()
    turns = []
    for pair in history or ():
        match pair:
            case [str(earlier), str(answer)]:
                turns.append(build_turn(require_text(earlier, QUESTION), answer))
            case _:
                raise _not_a_history()
    return tuple(turns)


def _not_a_history() -> RowError:
    return RowError(Message("history is no list of [question, answer]"))
