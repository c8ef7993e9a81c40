"""The signs of a turn stay where their sentences end, whatever the whole answer leaves out."""

import pytest

from assistant.values import Answer
from ui.session import PageTurn


@pytest.mark.parametrize(
    ("streamed", "signs", "whole", "kept"),
    [
        ("\nA b. C d.\n\n\n- Q", [5, 10], "A b. C d.\n\n\n- Q", [4, 9]),
        ("A b. C d. C d. C d.\n\n- Q", [4, 9, 14], "A b. C d.\n\n- Q", [4, 9]),
        ("It is none.\n\nA b. C d.", [11, 17], "A b. C d.", [4]),
        ("Something else.", [15], "A b.", []),
    ],
)
def test_signs_stay_at_the_ends_of_their_sentences(
    streamed: str, signs: list[int], whole: str, kept: list[int]
) -> None:
    turn = PageTurn(question="q", web=False, text=streamed, unsupported=signs)
    turn.finish(Answer(text=whole, kind="model"))
    assert turn.unsupported == kept
