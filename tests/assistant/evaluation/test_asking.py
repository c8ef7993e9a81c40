"""What is taken for a model's own words."""

from assistant.evaluation.asking import _quotes_start
from assistant.labels import EVIDENCE
from assistant.models.extractive import BENEATH


def test_the_quotes_beneath_a_reply_are_told_from_it() -> None:
    assert BENEATH == EVIDENCE
    for language in ("en", "zh"):
        text = f"It is 80 [1].\n\n{BENEATH.localize(language)}\n\n- 90 degrees [1]"
        assert text[: _quotes_start(text)] == "It is 80 [1]."
    assert _quotes_start("What the pages say: nothing.") is None
