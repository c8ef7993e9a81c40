"""Questions of English headings: of deeds ("Reset the camera", "Printing a label") and topics."""

import re

from finetune.synthesize.rules_en import NO_TOPIC

MOST_TOPIC_WORDS = 7
"""Words of a heading that is asked for."""

_DOING_VERBS = re.findall(
    r"[a-z]+",
    """add apply assign attach build calculate cancel change charge check choose clean close
    configure connect convert create define delete disable download edit enable export find hide
    import insert install make manage merge move open order pay prepare print protect recover
    register remove renew replace reset restore return run save select send set share specify start
    stop submit update upgrade use verify write""",
)
_DOUBLED = frozenset({"reset", "run", "set", "stop", "submit"})
"""Verbs among them that end in -tting, -nning or -pping."""
_GERUNDS = {
    f"{verb.removesuffix('e')}{verb[-1] if verb in _DOUBLED else ''}ing": verb
    for verb in _DOING_VERBS
}
_DOING = re.compile(
    rf"(?:{'|'.join(_DOING_VERBS)})(?: up)? (?!(?:as|at|by|from|in|of|on|to|with|without)\b)[a-z]",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?!(?:About|Above|Across|After|All|Along|Among|Around|As|At|Before|Behind|Below|Beneath|Beside"
    r"|Beyond|But|By|During|Except|For|From|Half|In|Inside|Into|Like|Near|Not|Of|Off|On|Once|Outside"
    r"|Over|Past|Per|Quite|Since|Such|Than|Through|To|Towards?|Twice|Under|Until|Upon|What|With"
    r"|Within|Without)\b)[A-Z][a-z]+ (?:a|an|the|your) [a-z]"
)
"""A heading that tells to do something, with any verb: "Record a fingerprint"."""
_NAMED_BY_DEED = re.compile(
    r"(?:^|\s)[a-z]*(?:options|settings|preferences|tools?|modes?|features|rules|buttons?|dialogs?"
    r"|commands?|areas?|process|methods?|systems?|parameters|properties)$",
    re.IGNORECASE,
)
"""What is named by a deed and nothing to do: "Printing options"."""
_STEP = re.compile(r"[A-Z][a-z]+(?<!s)s (?:an?|the|all|each|every)\b")
_INSTRUCTS = re.compile(
    rf"(?:^|[.!:;,] |\bthen )(?:{'|'.join(_DOING_VERBS)}|click|press|tap|go|type|enter|drag|switch"
    r"|turn|put|hold|double-click|right-click|plug|log|sign|follow|call|ask|fill|pull|push|take"
    r"|wait|bring|contact|visit|unplug|scroll|swipe|place|let|give|keep|mix|pour|cut|tell)\b"
    r"|\bby [a-z]+ing\b",
    re.IGNORECASE,
)
"""What a text that says how something is done has: an order, or a way ("by turning the key")."""


def find_deed(heading: str) -> str:
    """Return the deed that a heading names, in the words of "How do I …?", "" if it is a topic."""
    first, _, rest = heading.partition(" ")
    if re.match(r"How to [a-z]", heading):
        return heading.removeprefix("How to ")
    is_named = _NAMED_BY_DEED.search(rest) and not re.match(r"(?:an?|the|your) ", rest)
    if rest and not is_named and (verb := _GERUNDS.get(first.lower())):
        return f"{verb} {rest}"
    # "Edit mode" is a mode, as "Printing options" are options.
    if (_DOING.match(heading) and not is_named) or _ORDER.match(heading):
        return f"{heading[0].lower()}{heading[1:]}"
    return ""


def deed_question(heading: str, reply: str) -> str:
    """Return how a deed is done that a heading names, "" where the reply does not tell.

    What stands there may say what it is good for alone ("You may not want to be bothered"), and
    "Start Inside" may be the name of a box of a dialog.
    """
    deed = re.sub(r"\byour\b", "my", find_deed(heading))
    return f"How do I {deed}?" if deed and _INSTRUCTS.search(reply) else ""


def topic_question(title: str, heading: str) -> str:
    """Return the question for all that a page says below a heading, "" if that is no topic."""
    # What stands below a deed and does not say how is no more about it.
    # Nor is "Reads the file", what its subject does in a row of steps, a topic.
    is_other = NO_TOPIC.match(heading) or find_deed(heading) or _STEP.match(heading)
    if is_other or len(heading.split()) > MOST_TOPIC_WORDS:
        return ""
    return f"What does “{title}” say about “{heading}”?"
