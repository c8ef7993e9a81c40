"""Checks the sentences of an answer against its passages, with no model: `SentenceVerifier`."""

import itertools
import re
from collections.abc import Sequence

from assistant.answer.verification.claims import (
    LEAST_WORDS,
    plain_claim,
    says_not_there,
    states_nothing,
)
from assistant.answer.verification.comparison import (
    ClaimComparison,
    PassageContext,
    compare_claim,
)
from assistant.answer.verification.overlap import OVERLAP_FLOOR
from assistant.answer.verification.passage_windows import (
    CHINESE_SHARE,
    WINDOWS_COMPARED,
    PassageSentences,
    PassageWindow,
    closest_windows,
)
from assistant.answer.verification.tokens import SentenceText, read_sentence
from assistant.answer.verification.value_segments import reply_is_of_another
from assistant.values import Passage, SentenceVerdict, VerdictKind, VerdictReason
from ingest.text.language import cjk_share

PASSAGES_COMPARED = 3
"""Passages of which windows are aligned: those with most words of the claim, and those cited."""
MAX_CLAIM_CHARACTERS = 1_000
"""Characters of a sentence that are checked; longer ones are no sentences."""

SHORT_REPLY = 6
"""Words and figures of a reply up to which the question decides which passage it speaks of."""
NEARLY = 0.7
"""Share of the best passage's question words from which on a cited passage is as good."""
SPOKEN_OF = 0.3
"""Share of a claim's words, from which a sentence in its own language speaks of the same."""
MAX_CLAUSES = 6
"""Clauses of a sentence that are looked for one by one."""

_NOTHING = SentenceVerdict(kind="no_claim")
_YES_OR_NO = re.compile(
    r"\W*(?:yes|no|not?|sure|maybe|是的?|不是|对的?|不对|没错|可以|不可以|能|不能|会|不会|有|没有|需要|不需要)\W*",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[，,；;]|\band\b|\bwhile\b|\bbut\b|并且|而且")


class SentenceVerifier:
    """Tells of each sentence whether a passage supports it, and which."""

    def __init__(self, passages: Sequence[Passage], *, question: str = "") -> None:
        """Read the passages; each `check` then takes about a millisecond.

        A reply of a few words says little without the `question` that it answers: "William Blake"
        is supported where what was asked for is said of him.
        """
        self._question_text = read_sentence(question)
        self._question = self._question_text.words
        self._question_is_chinese = cjk_share(question) > CHINESE_SHARE
        self._passages = {passage.number: PassageSentences(passage) for passage in passages}
        held = self._passages.values()
        letters = "\n".join(text.letters for passage in held for text in passage.sentences)
        keys = frozenset().union(*(passage.keys for passage in held)) if held else frozenset()
        self._contexts = {
            passage.number: PassageContext(
                words=passage.head.words,
                keys=passage.keys,
                figures=passage.head.figures,
                letters_of_all=letters,
                keys_of_all=keys,
            )
            for passage in held
        }

    def check(self, sentence: str, cited: Sequence[int] = ()) -> SentenceVerdict:
        """Return the verdict on one sentence of an answer, given without its markers.

        `cited` are the numbers of the passages that its author named for it. One of these is
        preferred; if none supports the sentence and another passage does, it is "re_attached".
        """
        sentence = sentence[:MAX_CLAIM_CHARACTERS]
        if states_nothing(sentence):
            return _NOTHING
        text = plain_claim(sentence)
        claim = read_sentence(text)
        strong = [figure for figure in claim.figures if not figure.weak]
        # "120 metres." or "Denver Broncos." answer a question and are claims; "Yes, at night." has
        # nothing that could be looked up.
        short = len(claim.words) < LEAST_WORDS
        # A figure or a name is no reason for less: what was finished in 1402 was not demolished.
        floor = 1.0 if short else OVERLAP_FLOOR
        sure = bool(not short or strong or claim.has_names)
        if self._question - claim.words and 0 < len(claim.words) + len(strong) <= SHORT_REPLY:
            verdict = self._short_reply(claim, cited, floor=floor)
            if verdict and (sure or verdict.passage or not _YES_OR_NO.fullmatch(text)):
                return verdict
        if not sure:
            return _NOTHING
        if says_not_there(text):
            # Unless a passage has these very words: "This document does not mention prices."
            verdict, _ = self._best(claim, cited, floor=1.0)
            return verdict if verdict.kind != "unsupported" else _NOTHING
        return self._verdict(claim, text, cited, floor=floor)

    def _short_reply(
        self, claim: SentenceText, cited: Sequence[int], *, floor: float
    ) -> SentenceVerdict | None:
        """Return the verdict on a few words by the question that they answer.

        None: no passage has them, or they are a sentence that says enough by itself.
        """
        found: list[tuple[float, PassageSentences, PassageWindow]] = []
        for passage in self._passages.values():
            context = self._contexts[passage.number]
            windows = [
                (passage.share_around(window, self._question - claim.words), passage, window)
                for window in passage.singles(passage.shares(claim), floor)
            ]
            windows.sort(key=lambda pair: -pair[0])
            found += [
                pair
                for pair in windows[:WINDOWS_COMPARED]
                if compare_claim(claim, pair[2].text, context, floor=floor).supports
            ]
        if not found:
            return None
        most = max(share for share, _, _ in found)
        if not most and self._question & claim.words:
            return None  # it names what was asked about itself: "季卡60元。"
        if not most:
            same = any(p.chinese == self._question_is_chinese for _, p, _ in found)
            short = len(claim.words) < LEAST_WORDS
            return (
                SentenceVerdict(kind="unsupported", reasons=("words",)) if same and short else None
            )
        near = [pair for pair in found if pair[0] >= most * NEARLY]
        cited_pairs = [pair for pair in near if pair[1].number in cited]
        _, passage, window = max(cited_pairs or near, key=lambda pair: pair[0])
        # In several passages what one says besides does not concern the others.
        if all(
            reply_is_of_another(self._question_text, claim, p.sentences)
            for p in {p.number: p for _, p, _ in near}.values()
        ):
            return SentenceVerdict(kind="unsupported", reasons=("order",))
        kind: VerdictKind = "supported" if not cited or cited_pairs else "re_attached"
        return SentenceVerdict(
            kind=kind,
            passage=passage.number,
            start=window.start,
            end=window.end,
            reasons=("passage",) if kind == "re_attached" else (),
        )

    def _verdict(
        self, claim: SentenceText, text: str, cited: Sequence[int], *, floor: float
    ) -> SentenceVerdict:
        verdict, contradicted = self._best(claim, cited, floor=floor)
        if verdict.kind != "unsupported" or contradicted:
            return verdict
        if joined := self._by_clauses(text, cited):
            return joined
        chinese = cjk_share(text) > CHINESE_SHARE
        others = [p for p in self._passages.values() if p.chinese != chinese]
        own = (p for p in self._passages.values() if p.chinese == chinese)
        shares = (share for passage in own for share in passage.shares(claim))
        if max(shares, default=0.0) >= SPOKEN_OF and not {p.number for p in others} & {*cited}:
            return verdict  # a page of its own language speaks of it, and does not say so
        return self._in_other_language(claim, others, cited) or verdict

    def _best(
        self, claim: SentenceText, cited: Sequence[int], *, floor: float = OVERLAP_FLOOR
    ) -> tuple[SentenceVerdict, bool]:
        """Return the verdict on a claim as a whole, and whether a passage contradicts it."""
        shares = {number: p.shares(claim) for number, p in self._passages.items()}
        ranked = sorted(
            self._passages.values(),
            # Of equal shares the first passage wins: retrieval put the better one in front.
            key=lambda passage: (-max(shares[passage.number], default=0.0), passage.number),
        )
        cited_passages = [p for p in ranked if p.number in cited]
        others = [p for p in ranked if p.number not in cited]
        best: ClaimComparison | None = None
        for passage in [*cited_passages, *others[:PASSAGES_COMPARED]]:
            window, comparison = self._compare(claim, passage, shares[passage.number], floor)
            # A sentence that is nearly the claim's own and says otherwise outweighs one that only
            # has most of its words.
            if window and (not best or not best.contradicted or window.share >= best.share):
                kind: VerdictKind = (
                    "supported" if not cited or passage.number in cited else "re_attached"
                )
                return (
                    SentenceVerdict(
                        kind=kind,
                        passage=passage.number,
                        start=window.start,
                        end=window.end,
                        reasons=("passage",) if kind == "re_attached" else (),
                    ),
                    False,
                )
            if (
                comparison
                and not comparison.supports
                and (best is None or comparison.share > best.share)
            ):
                best = comparison
        reasons: tuple[VerdictReason, ...] = best.reasons if best else ("words",)
        contradicted = best is not None and bool(best.contradicted)
        return SentenceVerdict(kind="unsupported", reasons=reasons or ("words",)), contradicted

    def _compare(
        self,
        claim: SentenceText,
        passage: PassageSentences,
        shares: Sequence[float],
        floor: float,
    ) -> tuple[PassageWindow | None, ClaimComparison | None]:
        """Return the window of a passage that supports the claim, else the closest comparison."""
        context = self._contexts[passage.number]
        best: ClaimComparison | None = None
        contradicting: set[int] = set()
        singles = closest_windows(claim, passage.singles(shares, floor), floor)
        for window in singles:
            comparison = compare_claim(claim, window.text, context, floor=floor)
            if comparison.supports and (
                not contradicting or not best or window.share >= best.share
            ):
                return window, comparison
            # What contradicts in a sentence is not made good by the one beside it.
            if comparison.contradicted:
                contradicting.update(window.sentences)
            best = _closer(best, comparison)
        joined = itertools.chain(passage.pairs(claim, floor), passage.whole_lists(claim, floor))
        pairs = (w for w in joined if contradicting.isdisjoint(w.sentences))
        outweighed = best.share if best and best.contradicted else 0.0
        for window in closest_windows(claim, pairs, floor):
            comparison = compare_claim(claim, window.text, context, floor=floor)
            if comparison.supports and window.share >= outweighed:
                return window, comparison
            best = _closer(best, comparison)
        return None, best

    # Not tried where a passage contradicts: each clause of a swap is true somewhere.
    def _by_clauses(self, text: str, cited: Sequence[int]) -> SentenceVerdict | None:
        """Return the verdict on a sentence that joins what is in several places."""
        parts = [part for part in _CLAUSE_END.split(text) if part.strip()]
        claims = [claim for claim in map(read_sentence, parts) if claim.words or claim.figures]
        if not 1 < len(claims) <= MAX_CLAUSES or any(len(c.words) < LEAST_WORDS for c in claims):
            return None
        verdicts = []
        for claim in claims:
            verdict, _ = self._best(claim, cited)
            if verdict.kind == "unsupported":
                return None
            verdicts.append(verdict)
        return next((v for v in verdicts if v.kind == "supported"), verdicts[0])

    def _in_other_language(
        self, claim: SentenceText, others: Sequence[PassageSentences], cited: Sequence[int]
    ) -> SentenceVerdict | None:
        """Return the verdict where words cannot be compared: on its figures alone."""
        strong = [figure for figure in claim.figures if not figure.weak]
        holding = [p for p in others if all(any(f.equals(g) for g in p.figures()) for f in strong)]
        named = [p for p in holding if p.number in cited]
        all_others = len(others) == len(self._passages)
        if not holding or not (strong or named or all_others):
            return None
        passage = (named or holding)[0] if strong or named else None
        return SentenceVerdict(kind="unchecked", passage=passage.number if passage else None)


def _closer(best: ClaimComparison | None, other: ClaimComparison) -> ClaimComparison:
    return other if best is None or other.share > best.share else best
