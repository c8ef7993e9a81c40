"""An engine that says what it was given to say: for tests, and to try the doors without a model."""

import threading
from dataclasses import dataclass, field

from finetune.serve.engine import Asked, Ended, Reason, Tell

POLL_S = 0.02


@dataclass(kw_only=True)
class ScriptedEngine:
    """Tells `pieces`, one a token. With a `gate`, all after the `free` ones wait until it opens."""

    name: str = "scripted"
    thinks: bool = False
    pieces: tuple[str, ...] = ("Land ", "at ", "once.")
    failure: Exception | None = None
    gate: threading.Event | None = None
    free: int = 0
    asked: list[Asked] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0

    def generate(self, asked: Asked, tell: Tell) -> Ended:
        self.asked.append(asked)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if self.failure is not None:
                raise self.failure
            ended = self._told(asked, tell)
        finally:
            self.at_work -= 1
        self.ended.append(ended)
        return ended

    def _told(self, asked: Asked, tell: Tell) -> Ended:
        reason: Reason = "stop" if len(self.pieces) <= asked.max_tokens else "length"
        count = 0
        for piece in self.pieces[: asked.max_tokens]:
            while self.gate and count >= self.free and not self.gate.wait(POLL_S):
                if not tell(""):
                    return Ended(reason="left", prompt_tokens=7, reply_tokens=count)
            count += 1
            if not tell(piece):
                reason = "left"
                break
        return Ended(reason=reason, prompt_tokens=7, reply_tokens=count)
