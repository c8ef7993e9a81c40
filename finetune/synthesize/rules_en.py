"""Questions of English sentences, by a few patterns in which the order of words is known.

"The tank can hold up to 20 litres." asks "How many litres can the tank hold?" A sentence that fits
no pattern asks nothing: a parser would ask more, and more of it wrongly.
"""

import re
from collections.abc import Iterator

from finetune.synthesize.drafts import QuestionDraft, SourceText, is_whole_sentence
from finetune.synthesize.sentence_parts_en import LEANS, POINTS, SAYS_NOT_WHICH

SHORTEST, LONGEST = 20, 220
"""Characters of a sentence that a question is made of."""

MOST_SUBJECT_WORDS = 9
"""Words of a subject; a longer one holds a clause, and the verb that was found may be that
clause's."""

MOST_TERM_WORDS = 5
"""Words of a term that is defined."""

_NUMBER = (
    r"(?:\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:-|–|to)\s?\d+(?:\.\d+)?)?|two|three|four|five|six|seven"
    r"|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty)"
)
_HEDGE = (
    r"(?:up to|at least|at most|about|around|approximately|roughly|nearly|almost|only|no more than"
    r"|not more than|no fewer than|more than|less than|fewer than|over|under|exactly|a maximum of"
    r"|a minimum of|a total of)"
)
_UNIT = (
    r"(?:(?:square|cubic|business|working|calendar|consecutive|full|nautical) )?"
    r"(?:metres|meters|kilometres|kilometers|centimetres|centimeters|millimetres|millimeters|miles"
    r"|feet|inches|yards|grams|kilograms|tonnes|tons|pounds|ounces|litres|liters|millilitres"
    r"|gallons|acres|hectares|seconds|minutes|hours|days|weeks|months|years|degrees|watts|volts"
    r"|amps|gigabytes|megabytes|people|persons|employees|members|students|passengers|seats"
    r"|pages|copies|items|times|users|files|documents|characters|words|points|pieces|parts|steps"
    r"|sections|chapters|episodes|languages|countries|states|provinces|cities|islands|pictures"
    r"|photos|devices|accounts|guests|nights|lessons|questions)"
)
_FIGURE = rf"(?:{_HEDGE} )?(?P<number>{_NUMBER}) (?P<unit>{_UNIT})"
_SUBJECT = r"(?P<subject>(?:[A-Z][^\s,;:()]*)(?: [^\s,;:()]+)*?)"
_REST = r"(?P<rest>(?: [^\s,;:]+){0,6})"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)

_MODAL = re.compile(
    rf"{_SUBJECT} (?P<aux>can|must|may|should|will|could)(?P<no> not)?"
    rf" (?P<verb>(?!be\b)[a-z]+(?: [a-z]+){{0,2}}?) {_FIGURE}{_REST}\."
)
_WITHIN = re.compile(
    rf"{_SUBJECT} (?P<aux>can|must|may|should|will|is|are|was|were)(?P<no> not)?"
    rf" (?P<verb>[a-z]+(?: [a-z]+){{0,5}}?) (?P<preposition>within|after|for|every) {_FIGURE}"
    r"(?P<rest>(?: (?:of|from|before|after|in|by) [^,;:]+?)?)\."
)
_DOES = re.compile(
    rf"{_SUBJECT} (?P<verb>weighs|costs|lasts|takes|holds|measures|contains|includes|requires|needs"
    r"|has|uses|produces|employs|covers|offers|supports|weighed|lasted|took|held|measured"
    rf"|contained|included|required|needed|had|produced|employed|covered) {_FIGURE}{_REST}\."
)
_IS_FIGURE = re.compile(
    r"(?P<subject>(?:The|Each|Our|Your) [^,;:()]+?) (?P<aux>is|was)"
    rf" (?P<value>(?:{_HEDGE} )?(?:[$€£¥]\s?)?\d[^,;:]{{0,40}})\."
)
_WHEN = re.compile(
    rf"{_SUBJECT} (?P<aux>was|were) (?P<verb>[a-z]+(?:ed|wn|lt|nt|ld|de|un|en|ght)"
    r"(?: [^\s,;:]+){0,6}?) (?:in|on) (?P<date>(?:(?:early|late) )?(?:\d{1,2} )?"
    rf"(?:{_MONTH}(?: \d{{1,2}},)? )?(?:1[0-9]|20)\d\d)\b(?P<rest>[^;]*)\."
)
_DEFINITION = re.compile(
    r"(?P<term>(?:(?:An?|The) )?[A-Z]?\w[^,;:()]{1,50}?)(?: \([^)]{1,40}\))? (?P<aux>is|are|was)"
    r" (?P<body>(?:an?(?! (?:little|bit|lot|few|must|good (?:idea|choice|way|thing"
    r"|place|time|example|option|start|fit|practice|reason|point|deal|many)"
    r"|integral|important|essential|crucial|vital|similar|further"
    r"|(?:[\w-]+ )?(?:(?:example|instance|exception|consequence|result|case)\b"
    # "a solution for", and no "issue tracker" or "solution of salt".
    r"|(?:solution(?! of)|choice|alternative|matter|problem|issue|question|advantage|disadvantage"
    r"|drawback|requirement|candidate|mistake|improvement|success|failure|concern|risk|fit|fraction"
    r"|violation)(?= (?:for|to|of|in|with|that|when|if)\b|[,.]))"
    r"|(?:very |really )?(?:great|nice|wonderful|excellent|perfect|fantastic) [a-z -]+"
    r"|(?:elegant|simple|easy|common|popular|useful|better|safe|possible"
    r"|convenient|quick|cheap|suitable|natural|usual) (?:way|means|method|option|tool|place|thing"
    r"|approach|practice|idea|trick))\b)|the (?:process|act"
    r"|practice|name|art|ability|part|number|amount|time|place"
    r"|person|area|use|study|largest|smallest|oldest|highest|longest|capital))\b[^;:]{12,})\."
)
_SOMEBODY = re.compile(
    r"an? (?:[\w-]+ ){0,5}(?:actor|actress|singer|writer|author|poet|politician|scientist|physicist"
    r"|chemist|mathematician|engineer|inventor|player|footballer|artist|painter|musician|composer"
    r"|president|director|philosopher|historian|journalist|lawyer|king|queen|emperor|general"
    r"|explorer|teacher|nurse|doctor|student|member|founder|priest|bishop|monk|theologian)\b"
    # "a general concept", "a member state" and "a student card" are nobody.
    r"(?<!general)(?! (?:function|state|variable|card|licence|license|loan|name|object)\b)|"
    r"an? (?:[\w-]+ ){0,5}general(?= (?:and|at|during|from|in|of|who)\b|[,.;]|$)"
)
ABBREVIATED = re.compile(r"\b(Mrs?|Ms|Dr|Prof|St|Ltd|Inc|Co|Rev|Capt|Gen|No)\.(?= )")
_CLAUSE = re.compile(
    r"\b(?:that|which|who|whose|when|where|if|because|although|while|is|are|was|were|and|but|has"
    r"|have)\b"
)
_LEAD = re.compile(
    r"(?P<subject>[^,;:]+?) (?P<aux>must|should|can|may|will)(?P<no> not)?"
    r" (?P<verb>[a-z]+[^,;:]*?)"
    r"(?: (?:the following|one of the following|all of the following|one of)(?P<noun> [a-z]+)?)?"
)
_ONE_OF_THEM = re.compile(
    r"\b(?:must|should|will|has to|have to|needs? to|requires?)\b.* (?:one|any|either|some) of the"
    r"|\b(?:must|should|will)\b.* one of$"
    r"|\b(?:at least|at most|exactly|either)(?: (?:one|the)\b.*)?$"
)
_FOLLOWING = re.compile(
    r"The following (?P<noun>[a-z][^,;:]*?) (?P<aux>are|is|must|can|may|should|will)"
    r" (?P<rest>[a-z][^,;:]*)"
)
_HOLDS = re.compile(
    r"(?P<subject>[^,;:]+?) (?P<verb>includes|contains|supports|offers|requires|needs|covers"
    r"|provides)(?: the following(?: [a-z]+)?)?"
)
NO_TOPIC = re.compile(
    r"(?:What|Who|Where|When|Why|How|If|Which|Nobody|Nothing|Is|Are|Do|Does|Can|Look|For|Here|Ours"
    r"|Theirs|Figures?|Numbers?|Results?|Steps?|It|This|That|Our|Your|My|A|An|And|Or|But|Files?|Then"
    r"|Any|All|No|Each|Every|Settings?|Says?|With|From|By|On|In|Using|At|To|Additional|Further|Making|Getting)\b",
    re.IGNORECASE,
)
"""What begins half a sentence, or says nothing of what it is about."""
_NO_DEFINED_NAME = re.compile(
    r"^(?:Every|Each|All|Any|No|Only|Not|Such|Following|Below|Above|Since|Because|Although|Though|While"
    r"|As|Unless|Once|After|Before|Until|Where|Whereas|[A-Z][a-z]+ing .*)\b"
    r"|[^\w\s/.+“”’'()-]| - |\w (?:If|When|This|These|The|It)\b| or "
    r"|\b(?:there|here|itself|themselves|it|this|that|what|aka)\b|\bof -?\d+$"
    r"| (?!(?:shed|(?:\w*flower|sea|river|raised )?bed|red|sled|[a-z]*eed)$)[a-z]+ed$"
)
"""What is no term: "The line indicates there is a …", a clause, something to do, two things,
the end of a cell with the sentence behind it."""
_NO_BUG = re.compile(r", not an? (?:bug|mistake|fault|flaw|problem)\b")
"""Says what something is held for, and not what it is."""
_SECOND_SUBJECT = re.compile(r"\b(?:and|but|while|whereas) [^,]{1,40}? (?:is|are|was|were|can)\b")
"""The sentence goes on about something else."""
_NO_NOUN = re.compile(r"(?:\w{2,}ed|adds|gives|takes|needs|does|has|makes|shows|holds)$")
_NO_NAME = re.compile(
    r"[,;:?!]|\b(?:is|are|was|were|to|that|which|what|how|when|without|and|or|for|read|say|choose)\b"
)
_OPEN_CLAUSE = re.compile(
    r"\b(?:if|when|that|because|where|unless|whether|while|until"
    r"|by|be (?:found|seen|obtained|downloaded|located|reached))$"
)
"""Ends of a line that its list goes on with a clause, a deed or a place: "What" asks for none."""
_OF_THIS = re.compile(r"\b(?:this|these|those|its?|their|they|above)\b")
"""In a line that leads to a list: whose it is, the text before tells."""
_NO_ITEM = re.compile(r"[:;`{}]|[.?!] [A-Z]|.{81}|^(?:If|When|Note|You)\b")
"""In an item that is a sentence or code, and cannot stand in a row of them."""
_WANTS_OBJECT = re.compile(
    r"(?:be |only |also |always |never )*[a-z-]+(?: (?:with|to|for|in|on|at|from|about|into|of|out"
    r"|up|off|down|through|you|him|her|it|them))*"
)
"""A verb whose object is the list: "bring with you", "be made of"."""
_NAMED_NEXT = re.compile(r" (?:all of |one of )?the following(?: [a-z]+)?$")
_PLAIN_COLUMN = re.compile(
    r"(?:values?|descriptions?|details|specifications?|data)$", re.IGNORECASE
)
_FIGURE_CELL = re.compile(
    rf"(?:{_HEDGE} )?(?:[A-Z$€£¥<>=≤≥~≈±+-]{{1,3}}\s?)?\d[\d,.]*"
    r"(?:\s?(?:-|–|to|x|×|/)\s?\d[\d,.]*)*(?:\s?[^\s\d]+){0,4}"
)
"""A cell that holds a figure with its unit, and no sentence with one in it."""
_CODE_NAME = re.compile(r"_|[a-z][A-Z]|^[A-Z\d.-]*[A-Z]{2}[A-Z\d.-]*$|^-")
_NO_VALUE = re.compile(
    r"\.$|;|[a-z]{3}\. +[A-Z]"
    r"|^(?:Always|Ignored|If|When|Because|Set|Sets|Returns?|Specif(?:y|ies)|Contains|Allows|Shows"
    r"|Uses|Enables|Displays|Provides|Creates|Opens|Adds|Removes|Gives|Makes|Has|Is|Are|Can)\b"
)
"""In a cell that says more than a value."""
_FORMER = re.compile(r"\b(?:with|before|until|earlier|older|prior|previously|originally)\b")
"""What was so under conditions that the sentence names besides."""
_PLURAL = re.compile(r"(?<!\b[Ss]erie)(?<!\b[Ll]en)(?<!\b[Mm]ean)(?<=[a-z]{3})(?<![sui])s$")
"""A head of several things: "extensions", and not "status", "basis" or "address"."""

_ARTICLES = frozenset(("The", "A", "An", "Each", "Every", "All", "Your", "Our", "You"))

_OF_A_NAME = re.compile(
    r"(?:[A-Z][a-z]+(?:ish|ese)|French|German|Dutch|Greek|Swiss|Czech|Thai|Arab|Roman|Norman"
    r"|(?:Americ|Europ|Afric|Austr|Ital|Ind|Russ|Canad|Egypt|Belg|Hungar|Norweg|Pers|Bavar|Bohem"
    r"|Venet|Ukrain|Roman|Braz?il|Mexic|Mongol|Christ|Victor|Elizabeth)(?:ean|ian|an)"
    rf"|{_MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)s?"
)
"""Words that keep their capital before a common noun, as "French" in "French regular troops"."""

QUESTIONS = {
    _WITHIN: "{preposition} how many {unit} {aux} {subject}{no} {verb}?",
    _MODAL: "How many {unit} {aux} {subject}{no} {verb}{rest}?",
    _DOES: "How many {unit} {aux} {subject} {verb}{rest}?",
    _IS_FIGURE: "What {aux} {subject}?",
}
"""Pattern of a sentence with a figure -> how it is asked for."""

_BASE = {
    "has": "have",
    "had": "have",
    "took": "take",
    "held": "hold",
    "included": "include",
    "measured": "measure",
    "required": "require",
    "produced": "produce",
}
"""Forms of which the base is not what is left without the ending."""


def ask_how_many(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for the figure of a sentence: how many litres, within how many days."""
    text = source.unit.text
    if not stands_alone(text):
        return
    for pattern in (_WITHIN, _MODAL, _DOES, _IS_FIGURE):
        found = pattern.fullmatch(text)
        if found is None or not is_subject(found["subject"]):
            continue
        # "The limit was 990 with 2.8 and earlier": of those alone.
        is_former = found.groupdict().get("aux") == "was" and _FORMER.search(text)
        is_either = pattern is _IS_FIGURE and " or " in found["subject"]
        if is_former or is_either or SAYS_NOT_WHICH.fullmatch(found["subject"]):
            continue
        # "2 gigabytes of memory": how many gigabytes of what belongs together.
        if pattern is not _WITHIN and found.groupdict().get("rest", "").startswith(" of"):
            continue
        parts = {name: value or "" for name, value in found.groupdict().items()}
        parts["subject"] = in_mid_sentence(found["subject"], source)
        if pattern is _DOES:
            verb = parts["verb"]
            parts |= {"aux": "does" if verb.endswith("s") else "did", "verb": _base_form(verb)}
        question = QUESTIONS[pattern].format(**parts)
        answer = parts.get("value") or f"{parts['number']} {parts['unit']}"
        # "The maximum depth is 4095": of what, its page says.
        is_bare = pattern is _IS_FIGURE and not re.search(r"[A-Z0-9“]| of ", parts["subject"])
        question = question[0].upper() + question[1:]
        yield source.draft(question, text, answer, "figure", names_page=is_bare)
        return


def ask_when(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for the date on which something was done."""
    text = source.unit.text
    found = _WHEN.fullmatch(text) if stands_alone(text) else None
    if found and SAYS_NOT_WHICH.fullmatch(found["subject"]):
        return
    if found and is_subject(found["subject"]) and not re.search(r"\d{4}", found["rest"]):
        question = (
            f"When {found['aux']} {in_mid_sentence(found['subject'], source)} {found['verb']}?"
        )
        # "The case was dropped": which one, its page tells.
        is_named = re.search("[A-Z0-9]", found["subject"].removeprefix("The ")) is not None
        yield source.draft(question, text, found["date"], "date", names_page=not is_named)


def ask_what_is(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for what a sentence defines: what is, who is."""
    text = source.unit.text
    found = _DEFINITION.fullmatch(text) if stands_alone(text) else None
    if not found or len(found["term"].split()) > MOST_TERM_WORDS or _CLAUSE.search(found["term"]):
        return
    if found["body"].endswith((", for example", ", for instance")) or _NO_BUG.search(found["body"]):
        return
    if SAYS_NOT_WHICH.fullmatch(found["term"]):
        return
    if _NO_DEFINED_NAME.search(found["term"]) or _SECOND_SUBJECT.search(found["body"]):
        return
    # "The function is an array formula." Which one, only the text around it tells; "Protesters
    # believe the bill" has a verb of its own.
    first, _, rest = found["term"].partition(" ")
    is_named = re.search(r"[A-Z0-9“]|\w-\w", rest) is not None
    if (first == "The" and not is_named) or (
        first not in ("The", "A", "An") and rest.count(" ") and not is_named
    ):
        return
    is_somebody = _SOMEBODY.match(found["body"]) and " " in found["term"]
    # "What was Brian Johnson?" Of the past, only what is said to be somebody can be asked for.
    if (found["aux"] == "was" and not is_somebody) or (
        found["aux"] == "are" and not found["term"].endswith("s")
    ):
        return
    question_word = "Who" if is_somebody else "What"
    question = f"{question_word} {found['aux']} {in_mid_sentence(found['term'], source)}?"
    # "Day is an integer": one plain word is a name within its page, and asks for it there.
    is_plain = found["term"].isalpha() and source.is_known(found["term"].lower())
    yield source.draft(question, text, text, "definition", names_page=is_plain)


def ask_for_list(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for a list by the line that leads to it."""
    lead, parted, rest = source.unit.text.partition("\n")
    items = [item.removeprefix("- ").rstrip(";., ") for item in rest.split("\n")]
    bare = lead.rstrip(": ")
    if source.unit.kind != "list" or not parted or len(items) < 2 or "." in bare:
        return
    # "Icon size – You can choose from:" is a label with its sentence, and "It must hold at least
    # one of the following files:" is not answered by all of them.
    is_no_lead = "–" in bare or _OPEN_CLAUSE.search(bare) or _ONE_OF_THEM.search(bare)
    is_no_lead = is_no_lead or _OF_THIS.search(bare)
    if is_no_lead or any(map(_NO_ITEM.search, items)):
        return
    question = ""
    if found := _FOLLOWING.fullmatch(bare):
        question = f"Which {found['noun']} {found['aux']} {found['rest']}?"
    elif LEANS.match(bare) and not bare.startswith("You "):
        return
    elif (found := _LEAD.fullmatch(bare)) and is_subject(found["subject"]):
        # "You can find:" does not say where.
        if found["subject"] == "You" and " " not in found["verb"]:
            return
        # "You can toggle searches on each tab:" has its object: its list tells something else.
        if not found["noun"] and not _WANTS_OBJECT.fullmatch(found["verb"]):
            return
        question_word = f"Which{found['noun']}" if found["noun"] else "What"
        subject = in_mid_sentence(found["subject"], source)
        question = f"{question_word} {found['aux']} {subject}{found['no'] or ''} {found['verb']}?"
    elif (found := _HOLDS.fullmatch(bare)) and is_subject(found["subject"]):
        question = (
            f"What does {in_mid_sentence(found['subject'], source)} {_base_form(found['verb'])}?"
        )
    if question:
        # In one sentence, as the prompt wants it: "The kit includes a charger and a strap."
        stem = _NAMED_NEXT.sub("", bare)
        joint = " " if stem != bare or not _FOLLOWING.fullmatch(bare) else ": "
        reply = f"{stem}{joint}{', '.join(items[:-1])} and {items[-1]}."
        yield source.draft(question, reply, "; ".join(items), "list")


def is_plain_column(column: str) -> bool:
    """Return whether a head says only that a value stands below it: "Value", "Description"."""
    return _PLAIN_COLUMN.match(column) is not None


def column_question(subject: str, column: str, value: str) -> tuple[str, str]:
    """Return the question for a cell of a table, and its answer; "" where it has none."""
    column = column.removesuffix("(s)")
    is_name = len(subject.split()) <= MOST_TERM_WORDS and not _NO_NAME.search(subject)
    is_noun = len(column.split()) <= 3 and not NO_TOPIC.match(column) and "," not in column
    is_noun = is_noun and not _NO_NOUN.search(column)
    # "Passages shown to the model." is no value that could stand in a sentence of its own.
    if not is_name or not is_noun or _NO_VALUE.search(value):
        return "", ""
    if is_plain_column(column):
        # A description, though it may hold a figure: "The SHA is alias for SHA1."
        if not _FIGURE_CELL.fullmatch(value):
            return "", ""
        # "The MAX_JOBS is 8" is no English, and a name of code has its value in the row.
        if _CODE_NAME.search(subject):
            return f"What is the value of {subject}?", f"The value of {subject} is {value}."
        # "Feature" and "Value": the row's own name is what is asked for.
        name = subject[0].lower() + subject[1:] if subject[1:].islower() else subject
        return f"What is the {name}?", f"The {name} is {value}."
    # "USB" and "Wi-Fi" keep their letters, "Price" is the word.
    is_word = column[1:].islower() and column[1:2].isalpha()  # and no "R name"
    name = column[0].lower() + column[1:] if is_word else column
    verb = "are" if _PLURAL.search(name) else "is"
    return f"What {verb} the {name} of {subject}?", f"The {name} of {subject} {verb} {value}."


def stands_alone(text: str) -> bool:
    """Return whether a sentence says by itself what it is about."""
    text = ABBREVIATED.sub("\\1", text)
    if "\n" in text or not SHORTEST <= len(text) <= LONGEST or not is_whole_sentence(text):
        return False
    leans = LEANS.match(text) or POINTS.search(text)
    return not leans and len(re.findall(r"[.!?](?=\s|$)", text)) == 1


def is_subject(text: str) -> bool:
    """Return whether a text may be what a sentence is about: no clause is in it."""
    return len(text.split()) <= MOST_SUBJECT_WORDS and not _CLAUSE.search(text)


def in_mid_sentence(subject: str, source: SourceText) -> str:
    """Return a subject as it is written within a sentence: names keep their capital."""
    first, parted, rest = subject.partition(" ")
    # "Defective cameras": before a common noun stands a common word.
    if first not in _ARTICLES:
        is_word = first.isalpha() and first[1:].islower()
        is_word = is_word and not _OF_A_NAME.fullmatch(first)
        known = source.is_known(first.lower()) or rest.partition(" ")[0].islower()
        # "Engineering News-Record" is a name, whatever its first word is elsewhere.
        if not (is_word and known) or rest[:1].isupper():
            return subject
    return first.lower() + parted + rest


def _base_form(verb: str) -> str:
    if verb in _BASE:
        return _BASE[verb]
    return verb.removesuffix("s") if verb.endswith("s") else verb.removesuffix("ed")
