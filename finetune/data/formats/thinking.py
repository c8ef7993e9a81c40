"""Thinking that is before an answer, in its own field or between tags."""

import re

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.data.rows import ANSWER, RowError, require_text
from finetune.records import Turn
from ingest.foundation.messages import Message

_BLOCK = re.compile(rf"\s*{THINK_OPEN}(?P<think>.*?){THINK_CLOSE}(?P<answer>.*)", re.DOTALL)
# Logs of DeepSeek-R1 often lack the opening tag: the chat template had written it into the prompt.
# Only a closing tag on a line of its own counts, since an answer may write about the tag.
_CLOSED_ALONE = re.compile(
    rf"(?P<think>(?:(?!{THINK_OPEN}).)*?)\n[ \t]*{THINK_CLOSE}[ \t]*\n(?P<answer>.*)", re.DOTALL
)


def build_turn(user: str, reply: str, think: str = "") -> Turn:
    """Return the turn with the thinking that leads the reply taken out of it.

    Tags further inside a reply are its text.

    Raises:
        RowError: the answer is missing, thinking never ends, or it is there twice.
    """
    if THINK_CLOSE not in reply and THINK_OPEN not in reply:
        return Turn(user=user, answer=require_text(reply, ANSWER), think=think)
    found = _BLOCK.match(reply) or _CLOSED_ALONE.match(reply)
    if found is None:
        # Cut off by a length limit: it would teach the model never to answer.
        if reply.lstrip().startswith(THINK_OPEN):
            raise RowError(Message("{tag} is never closed", tag=THINK_OPEN))
        return Turn(user=user, answer=require_text(reply, ANSWER), think=think)
    inner = found["think"].strip()
    if think and inner and inner != think.strip():
        raise RowError(Message("thinking in two places"))
    answer = require_text(found["answer"], ANSWER).lstrip("\n")
    return Turn(user=user, answer=answer, think=think or inner)
