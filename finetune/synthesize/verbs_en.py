"""English verbs of what happens once, in the past, with the base form that a question needs."""

import re

_REGULAR = re.findall(
    r"[a-z]+",
    """abandon abolish accept achieve acquire add adopt air allow announce appear appoint approve
    arrest arrive attack attain award burn capture cease celebrate change claim close collapse
    colonize complete compose conclude conquer construct convert create crown debut decide declare
    defeat demolish design destroy die direct discover dissolve divide dominate double elect
    emigrate employ end enter establish expand explode extend finish form found graduate grant
    happen hire host install introduce invade invent issue join land launch merge move name
    nationalise nationalize obtain occupy offer open order organise organize perform premiere
    present produce propose publish purchase raise reach receive recognise recognize record
    reject release rename repeal replace resign restore resume retire return reveal revive ruin
    seize settle sign start surrender switch unveil visit vote""",
)
PAST_FORMS = {
    **{f"{verb.removesuffix('e')}ed": verb for verb in _REGULAR if not verb.endswith("y")},
    "married": "marry",
    "ratified": "ratify",
    "occupied": "occupy",
    "occurred": "occur",
    "banned": "ban",
    "began": "begin",
    "became": "become",
    "left": "leave",
    "won": "win",
    "bought": "buy",
    "sold": "sell",
    "built": "build",
    "wrote": "write",
    "made": "make",
    "gave": "give",
    "lost": "lose",
    "took place": "take place",
    "took over": "take over",
    "set up": "set up",
}
"""Past tense -> base form: "When did the harbour close?" of "The harbour closed in 1904."."""

BASE_FORMS = {
    "stood": "stand",
    "comprised": "comprise",
    "derived": "derive",
    "had": "have",
    "has": "have",
    "rose": "rise",
    "fell": "fall",
    "grew": "grow",
    "increased": "increase",
    "decreased": "decrease",
    "declined": "decline",
    "dropped": "drop",
}
"""Forms of other verbs of which the base is not what is left without the ending."""


def split_verb(verb: str) -> tuple[str, str]:
    """Return "does" and "consist" for "consists", "did" and "stand" for "stood"."""
    base = BASE_FORMS.get(verb)
    if verb.endswith("ed") or (base and not verb.endswith("s")):
        return "did", base or verb.removesuffix("ed")
    return ("does", base or verb.removesuffix("s")) if verb.endswith("s") else ("do", verb)
