"""A generator without a model: the in-memory twin, for tests and demonstrations."""

from collections.abc import Iterator, Mapping, Sequence

from finetune.evaluate.generate.base import reply_stage
from finetune.model.chat_format import split_reply
from finetune.model.chat_templates import ChatFormat
from finetune.progress import Progress
from finetune.records import Prediction, Record


class ScriptedGenerator:
    """Answers each question with the text that is written for it, "" if there is none."""

    name = "scripted"

    def __init__(
        self,
        replies: Mapping[str, str],
        *,
        fmt: ChatFormat,
        endless: frozenset[str] = frozenset(),
        identity: str = "scripted",
    ) -> None:
        """`replies` are by question, with thinking and tags; those to `endless` do not stop."""
        self.identity = identity
        self.record_ids: list[str] = []
        """Ids of all records that were replied to, in order."""
        self._replies = replies
        self._fmt = fmt
        self._endless = endless

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        """Yield the reply to each record's question, in order."""
        with reply_stage(progress, self.name, len(records)) as stage:
            for record in records:
                stage.advance()
                question = record.last.user
                self.record_ids.append(record.id)
                text = self._replies.get(question, "")
                stopped = question not in self._endless
                think, answer = split_reply(self._fmt, text, cut_short=not stopped)
                yield Prediction(
                    id=record.id,
                    text=text,
                    think=think,
                    answer=answer,
                    stopped=stopped,
                    seconds=0.0,
                    tokens=len(text),
                )
