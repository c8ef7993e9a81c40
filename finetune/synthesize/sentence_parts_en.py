"""Parts of English sentences: verbs of what happened once, and subjects that say too little."""

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


LEANS = re.compile(
    r"^(?:It|Its|They|Their|This|These|That|Those|He|She|His|Her|Him|Such|Both|There|Here|Then|Also"
    r"|However|But|And|Or|So|Yet|Another|Other|Others|One|Some|Many|Most|What|Who|When|Where|Which"
    r"|While|If|As|In|On|At|By|For|From|With|Of|To|After|Before|During|Because|Although|Thus"
    r"|Therefore|Later|Note|We|I|You|Today|Now|Since|Unless|Until|Once(?! Upon)|Whereas|Though|Even"
    r"|Unlike"
    r"|Like|Instead|Otherwise|Again|Still|Just|Next|Perhaps|Maybe|Depending|Please|Refer|See|Let"
    r"|Suppose|Sometimes|Often|Always|Never"
    r"|Imagine|Assume|Consider|Nothing|Everything|Something"
    # "Unsurprisingly Debian": an adverb of the whole sentence.
    r"|(?!(?:Anomaly|Assembly|Beverly|Butterfly|Elderly|Family|Friendly|Kimberly|Monopoly|Monthly"
    r"|Nightly|Quarterly|Supply)\b)[A-Z][a-z]{4,}ly|[AQ]:)(?![\w'’-]|\.\w)"
)
POINTS = re.compile(
    r"\b(?:it|its|they|their|them|this|these|those|he|she|his|her|him|former|latter|above|below"
    r"|following|same|we|our|us|I|my)\b"
)
_GENERAL_NOUNS = "|".join(
    re.findall(
        r"[a-z]+",
        """action answer approach argument behavior behaviour block case category change choice
        clause code command comment condition configuration data default definition
        difference directive element entry entries error example expression feature field
        file format function idea information interval item key keyword latter length level
        limit line list maximum message method minimum mode name number object operation
        option output page parameter part path pathname pattern point problem procedure
        process processes program properties property query reason record request response
        result row rule section setting situation size solution statement step string system
        table text time type value variable version""",
    )
)
_GENERAL_WORDS = "|".join(
    re.findall(
        r"[a-z]+",
        """additional average basic common complete current default extra full given initial main
    maximal maximum minimal minimum normal optional other required simple single standard time
    total typical""",
    )
)
SAYS_NOT_WHICH = re.compile(
    # "The default value", "the exact procedure", "the first four commands", "all messages".
    rf"(?:[Tt]he|[Aa]n?|[Yy]our|[Ee]ach|[Ee]very) (?:(?:{_GENERAL_WORDS}) )*(?:{_GENERAL_NOUNS})s?"
    r"|(?:[Tt]he|[Aa]n?) (?:[a-z-]+ )?(?:exact|precise|actual|specific|particular|new|first|second"
    r"|third|last|next|final|same|whole|entire|existing|original|usual|various|different|right"
    rf"|correct) (?:[a-z-]+ )?(?:{_GENERAL_NOUNS})s?"
    r"|[Tt]he (?:first|last|next|other) (?:two|three|four|five|six|seven|eight|nine|ten|\d+)\b"
    r"(?!.* (?:of|in|at|from|to|on)\b).*"
    r"|(?:All|Any|No|Several|Various|Certain|Different|Few|Fewer|More|Less|New|Larger|Smaller"
    r"|Higher|Lower|Separate|Reasonable|Additional|Extra|Similar|Multiple)"
    rf" (?:[a-z-]+ )?(?:{_GENERAL_NOUNS})s?"
    # "Pattern is used to match": a thing of its page, as those of a syntax.
    rf"|(?i:{_GENERAL_NOUNS})"
)
"""A whole subject that could be anything: which one, only the text before it tells."""
