"""Nonviolent rewriting of messages: risk F1, valid JSON, and silence on polite messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.evaluate.metrics.answer_json import find_first_json, parse_whole_json

PARTS = ("observation", "feeling", "need", "request")
"""The parts of a rewriting (Rosenberg, "Nonviolent Communication")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NvcReply:
    """One reply to a message. `has_risk` is the reference's, `risk` the reply's or None.

    `valid`: it is JSON with all parts that its risk requires. `silent`: it finds no risk and
    rewrites nothing.
    """

    has_risk: bool
    risk: bool | None
    valid: bool
    silent: bool

    @property
    def is_correct(self) -> bool:
        """Whether the reply states the risk of the reference."""
        return self.risk is self.has_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class NvcFigures:
    """Figures over all replies, 0 to 1.

    `valid` is the share of valid replies; `silence` the share of silent replies to polite messages,
    None without polite messages.
    """

    risk_precision: float
    risk_recall: float
    risk_f1: float
    valid: float
    silence: float | None


def parse_nvc_reply(answer: str, reference: str) -> NvcReply:
    """Return what `answer` states; `reference` is the expected JSON."""
    # Leniently for the risk: "Here you are: {…}" still states it. Strictly for `valid`.
    stated = _as_dict(find_first_json(answer))
    risk = stated.get("risk") if isinstance(stated.get("risk"), bool) else None
    whole = _as_dict(parse_whole_json(answer))
    required = (*PARTS, "rewrite") if whole.get("risk") else ()
    return NvcReply(
        has_risk=_as_dict(find_first_json(reference)).get("risk") is True,
        risk=risk,
        valid=isinstance(whole.get("risk"), bool)
        and all(isinstance(whole.get(part), str) and whole[part].strip() for part in required),
        silent=risk is False and not str(stated.get("rewrite") or "").strip(),
    )


def nvc_figures(replies: Sequence[NvcReply]) -> NvcFigures:
    """Return the figures; a reply that states no risk counts as one that finds none."""
    given = sum(one.risk is True for one in replies)
    expected = sum(one.has_risk for one in replies)
    hits = sum(one.has_risk and one.risk is True for one in replies)
    polite = [one for one in replies if not one.has_risk]
    return NvcFigures(
        risk_precision=hits / given if given else 0.0,
        risk_recall=hits / expected if expected else 0.0,
        risk_f1=2 * hits / (given + expected) if given + expected else 1.0,
        valid=sum(one.valid for one in replies) / max(1, len(replies)),
        silence=sum(one.silent for one in polite) / len(polite) if polite else None,
    )


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
