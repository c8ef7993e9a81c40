"""An engine without a model, for tests and for trying the API."""

import threading
from dataclasses import dataclass, field

from finetune.serve.engine import Emit, FinishReason, GenerationRequest, GenerationResult

POLL_S = 0.02
PROMPT_TOKENS = 7
"""Tokens that each prompt is said to have."""


@dataclass(kw_only=True)
class ScriptedEngine:
    """Replies with `pieces`, one per token, or raises `failure`.

    With a `gate`, all pieces after the first `ungated` ones wait until it opens. `requests` and
    `results` record what came and went, `max_active` the most requests at one time.
    """

    name: str = "scripted"
    thinks: bool = False
    pieces: tuple[str, ...] = ("Land ", "at ", "once.")
    failure: Exception | None = None
    gate: threading.Event | None = None
    ungated: int = 0
    requests: list[GenerationRequest] = field(default_factory=list)
    results: list[GenerationResult] = field(default_factory=list)
    active: int = 0
    max_active: int = 0

    def generate(self, request: GenerationRequest, emit: Emit) -> GenerationResult:
        """Emit the pieces, `request.max_tokens` at most."""
        self.requests.append(request)
        self.active += 1
        self.max_active = max(self.max_active, self.active)
        try:
            if self.failure is not None:
                raise self.failure
            reason: FinishReason = "stop" if len(self.pieces) <= request.max_tokens else "length"
            count = 0
            for piece in self.pieces[: request.max_tokens]:
                cancelled = False
                # Emits while it waits, as a model does with each token: so it can be cancelled.
                while self.gate and count >= self.ungated and not self.gate.wait(POLL_S):
                    if cancelled := not emit(""):
                        break
                if not cancelled:
                    count += 1
                    cancelled = not emit(piece)
                if cancelled:
                    reason = "cancelled"
                    break
        finally:
            self.active -= 1
        result = GenerationResult(reason=reason, prompt_tokens=PROMPT_TOKENS, reply_tokens=count)
        self.results.append(result)
        return result
