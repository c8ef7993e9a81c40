"""Rewriting of messages: is the risk seen, is the reply JSON, does it keep silent when polite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.evaluate.metrics.replies import first_json, whole_json

PARTS = ("observation", "feeling", "need", "request")
"""What a rewriting is made of (Rosenberg, "Nonviolent Communication")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NvcMessage:
    """What one reply says of a message, beside the truth. `risk` None: it does not say."""

    wanted: bool
    risk: bool | None
    valid: bool
    silent: bool

    @property
    def right(self) -> bool:
        """Whether the risk was told rightly."""
        return self.risk is self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Figures of all messages, 0 to 1; None where no message could tell.

    `valid` is the share of replies that are JSON with all that is needed; `silence` the share of
    polite messages that were left alone.
    """

    risk_precision: float
    risk_recall: float
    risk_f1: float
    valid: float
    silence: float | None


def judge(answer: str, reference: str) -> NvcMessage:
    """Return what `answer` says; `reference` is the JSON that was wanted."""
    told = _as_table(first_json(answer))
    risk = told.get("risk")
    says = risk if isinstance(risk, bool) else None
    return NvcMessage(
        wanted=_as_table(first_json(reference)).get("risk") is True,
        risk=says,
        valid=_is_valid(_as_table(whole_json(answer))),
        silent=says is False and not str(told.get("rewrite") or "").strip(),
    )


def rewriting(messages: Sequence[NvcMessage]) -> Rewriting:
    """Return the figures; a message whose risk is not told counts as not seen."""
    seen = sum(one.risk is True for one in messages)
    risky = sum(one.wanted for one in messages)
    hits = sum(one.wanted and one.risk is True for one in messages)
    polite = [one for one in messages if not one.wanted]
    return Rewriting(
        risk_precision=hits / seen if seen else 0.0,
        risk_recall=hits / risky if risky else 0.0,
        risk_f1=2 * hits / (seen + risky) if seen + risky else 1.0,
        valid=sum(one.valid for one in messages) / max(1, len(messages)),
        silence=sum(one.silent for one in polite) / len(polite) if polite else None,
    )


def _is_valid(told: dict[str, Any]) -> bool:
    """Tell whether a program can use it: the risk as a truth value, and all parts if there is."""
    if not isinstance(told.get("risk"), bool):
        return False
    parts = (*PARTS, "rewrite") if told["risk"] else ()
    return all(isinstance(told.get(part), str) and told[part].strip() for part in parts)


def _as_table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
