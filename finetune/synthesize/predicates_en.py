"""Predicates of English sentences that have one reading: where, by whom, of what, when, how much.

Each pattern reads a sentence from its subject to the end of the clause that is asked for. A list
is read to its end, so that no answer is a part of one.
"""

import re

from finetune.synthesize.sentence_parts_en import PAST_FORMS

MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_SUBJECT = r"(?P<subject>[^,;:()]+?)"
_BE = r"(?P<aux>is|are|was|were)"
_HOW = r"(?:(?:[a-z]+ly|also|often|usually|now|today|still|first|then|both|best) )?"
_YEAR = r"(?:1[0-9]|20)\d\d"
_DAY = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)"
_DATE = (
    rf"(?:(?:early |late |mid-)?(?:\d{{1,2}}(?:st|nd|rd|th)? )?{MONTH}"
    rf"(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? {_YEAR})?|{_YEAR})"
)
_PAST_DATE = rf"(?:(?:\d{{1,2}} )?(?:{MONTH}(?: \d{{1,2}},?)? )?{_YEAR})"
"""With its year: "in November" is of another year on the next page."""
_CLOCK = r"(?:\d{1,2}(?:[.:]\d{2})? ?(?:am|pm|a\.m|p\.m|o'clock)|noon|midnight)"
_TIME = (
    rf"(?:{_DAY},? (?:at )?{_CLOCK}|{_DAY},? {_DATE}|{_DATE}(?: at {_CLOCK})?|{_DAY}"
    rf"|{_CLOCK}(?: on {_DATE})?)"
)
_WHEN_PHRASE = (
    rf"(?:(?P<at>on|at|by|in) (?:the )?(?P<time>{_TIME}(?: and {_TIME})?)"
    rf"|(?P<span>(?:from|between|until|after|before)"
    rf" (?:{_TIME}|\d{{1,2}}(?= (?:to|and|until) (?:{_CLOCK}|{_DATE})))"
    rf"(?: (?:to|and|until) {_TIME})?))"
)
_STOP = r"(?:[,;](?!\d)|\.(?!\S))"
"""End of a clause: not of the thousands of a figure, nor of a part of "notes.txt"."""
_ALL = r"(?=;|\.(?!\S)|, (?:which|who|where|while|because|making)\b)"
"""Where what a predicate names is told in full: a comma may go on with it."""
_AGENT_END = (
    r"(?= (?:in|into|on|onto|at|through|via|during|after|before|between|with|as|under|who|which"
    r"|when|once|if)\b"
    r"|;|\.(?!\S)|, (?:who|which|in|on|at|for|from|with|when|where|as|while|after|before)\b)"
)

BY_WHOM = re.compile(
    rf"{_SUBJECT} {_BE} {_HOW}(?P<verb>founded|established|written|composed|designed|directed"
    r"|produced|invented|discovered|painted|built|created|developed|published|edited|translated"
    r"|commissioned|proposed|led|chaired|appointed|approved|coined|owned|run|managed|organised"
    r"|organized|repaired|signed|performed|sung|sculpted|drawn|conducted|presented|accompanied"
    r"|supervised|administered|illustrated|launched|opened|lit|maintained|operated)"
    r"(?: (?:in|on|at) [^,;:]{1,40}?)? by (?P<agent>(?!an? |\w+ing\b|(?:[^,;.]* )?means\b)[^,;:]+?"
    rf"(?:, [A-Z][\w.\u2024]*(?: [A-Z][\w.\u2024]*)+)?){_AGENT_END}"
)
NO_AGENT = re.compile(
    r"(?:the |its |their )?(?:[\w()-]+ ){0,3}(?:call|function|command|program|script|server|system"
    r"|use|process|tool|library|package|kernel|daemon|driver|module|option|setting|value|method|file"
    r"|parameter|rule|software|application|client|protocol|service|default)s?"
    # "the system" is none, "the system administrator" is somebody.
    r"(?=$| (?:of|to|in|for|on|with)\b)"
)
"""What does something and is nobody: "Who" does not ask for it."""
_PEOPLE = "|".join(
    re.findall(
        r"[a-z]+",
        """administrator agencies agency architect army artist author bishop board brother builder
    caretaker chair chairman chairwoman child children citizen club committee companies company
    contributor council customer daughter department developer director doctor employee engineer
    families family farmer firm gardener government group king maintainer man manager mayor member
    men ministries ministry monk navy nun nurse organisation organization owner parent people police
    president queen researcher resident school scientist secretary sister societies society soldier
    son staff student teacher team treasurer universities university user volunteer woman women
    worker writer""",
    )
)
SOMEBODY = re.compile(
    r"(?:the|its|their|his|her)\b|.*[^\W\d_a-z]"
    rf"|(?:[a-z-]+ ){{0,2}}?(?:{_PEOPLE}|[a-z]{{3,}}(?:er|or|ant|ist|ian|eer))s?\b"
)
"""Who is somebody, by a name or as what they are."""
WHO_DID = re.compile(
    r"(?P<agent>[A-Z][\w'’-]+(?: (?:[A-Z][\w.\u2024'’-]*|of|de|van|von|and)){1,4})"
    r" (?P<did>(?:wrote|founded|co-founded|designed|invented|discovered|directed|composed|painted"
    r"|proposed|established|led(?! to)|developed|introduced|chaired|published|created|built|coined"
    r"|won|conducted|edited|translated|performed|owns|runs|leads(?! to)|manages|directs)"
    r" [^,;:]{4,80}?)(?=[,;]|\.(?!\S)| (?:and|who|which|that|because|while|but)\b)"
)
WHERE = re.compile(
    rf"{_SUBJECT} {_BE} {_HOW}(?P<verb>located|situated|headquartered|held|born|buried|kept|stored"
    r"|housed|displayed|installed|exhibited|stationed|moored|hidden|mounted|based(?= (?:in|at)\b))"
    r" (?P<place>(?:in|at|on|near|along|off|outside|inside|under|behind|beneath|above|below"
    r"|opposite|next to|between|to the (?:north|south|east|west)\w* of)"
    r" (?:(?:the|an?) |(?=[A-Z])|(?=\w+['’]s ))[^,;:\d]+?(?:, [A-Z][\w ]+(?=\.))?)"
    rf"(?={_STOP}| (?:and|which|that|where|who|but|because|with) )"
)
NO_PLACE = re.compile(
    r"^(?:\w+ )?(?:the |an? )?(?:\w+ )?(?:years?|century|decade|months?|weeks?|days?|morning"
    r"|evening|summer|winter|spring|autumn|past|future|case|form|context|way|event|beginning|end"
    rf"|basis|manner|order|contempt|esteem|regard|check|mind|principle|{MONTH}|{_DAY})\b"
    # "in a file": no place, or not all of it.
    r"|^(?:in|on|at) an? [a-z]+$|\b(?:in|on|at|of|to|for|by|with|from)$"
)
OF_WHAT = re.compile(
    rf"{_SUBJECT} (?:(?P<does>consists? of|consisted of|comprises?|comprised|stands? for"
    r"|stood for|depends? on|belongs? to|belonged to|refers? to|derives? from|derived from)"
    rf"|{_BE} {_HOW}(?P<made>composed of|made up of|made of|made from|divided into|known as"
    r"|known for|called|named after|used as|used for|equipped with|headed by|caused by|famous for"
    r"|responsible for|served with|paid from|written in))"
    rf" (?P<object>(?!not\b)(?![^;.]*, but\b)(?![^;]*\band (?:they|it)\b)[^;:]{{3,}}?){_ALL}"
)
USED_TO = re.compile(rf"{_SUBJECT} {_BE} {_HOW}used to (?P<deed>(?!\w+ing\b)[a-z]+ [^;:]+?){_ALL}")
WHY = re.compile(
    rf"{_SUBJECT} (?P<aux>is|are|was|were|can|cannot|could|may|might|must|should|will|would)"
    r"(?P<no> not)? (?P<predicate>[a-z][^,;:]*?),? because (?!of\b)(?P<cause>[^;:]{8,})\."
)
NO_CAUSE = re.compile(
    # "the typical one" is one of those that stood before.
    r"\bones?$|\b(?:only|simply|just|merely|partly|mainly|primarily|largely|mostly|perhaps|probably|that|which|who|whether|if)$|\bthat\b"
)
PASSIVE_DATED = re.compile(
    rf"(?:In|On) (?P<when>{_PAST_DATE}),? (?P<subject>[^,;:()]+?) (?P<aux>was|were) {_HOW}"
    rf"(?P<verb>[a-z]+(?:ed|wn|lt|nt|ld|de|un|en|ght)(?: [^\s,;:]+){{0,7}}?)(?={_STOP})"
)
HAPPENED = re.compile(
    rf"{_SUBJECT} (?P<verb>{'|'.join(PAST_FORMS)})(?P<object>(?: [^\s,;:]+){{0,7}}?)"
    rf" (?:in|on) (?P<when>{_PAST_DATE})(?={_STOP}| (?:by|with|at|for|after|as|to|and|when|from"
    r"|because|where|but|under|following)\b)"
)
DATE_LED = re.compile(
    rf"(?:In|On) (?P<when>{_PAST_DATE}),? (?P<subject>[^,;:()]+?) (?P<verb>{'|'.join(PAST_FORMS)})"
    # "the first settlement, Fort Caroline" is named by what follows.
    r"(?P<object>(?: [^\s,;:]+){0,9}?)(?=,(?! ?[A-Z\d])|;|\.(?!\S))"
)
DATE_FIRST = re.compile(rf"(?:In|On) {_DATE},? ")
PLANNED = re.compile(
    rf"{_SUBJECT} (?P<aux>will|must|may|can|is|are)(?P<verb>(?: be)? (?:[a-z]+ed|due|open|closed"
    r"|held|made|paid|sent|cut|kept|shown|given)(?: [^\s,;:]+){0,5}?"
    rf"| (?:take place|begin|start|end|open|close)(?: [^\s,;:]+){{0,5}}?|) {_WHEN_PHRASE}"
    rf"(?={_STOP}| (?:and|in|at|by|because|with|for|to|of|from)\b)"
)
TAKES_PLACE = re.compile(
    rf"{_SUBJECT} (?P<verb>takes place|begins|starts|ends|opens|closes|leaves|expires)"
    rf"(?P<object>(?: [^\s,;:]+){{0,3}}?) {_WHEN_PHRASE}(?={_STOP}| (?:and|from|in|at)\b)"
)
COSTS = re.compile(
    rf"{_SUBJECT} (?P<verb>costs?) (?P<price>(?:about |around |up to |only |at least )?"
    r"(?:[$€£¥]\s?\d[\d,.]*\d?(?: (?:million|billion))?"
    r"|\d[\d,.]*(?: (?:million|billion))?"
    r" (?:euros?|pounds?|dollars?|yen|yuan|crowns|francs|kroner))"
    rf"(?: (?:per|an?) \w+)?)(?={_STOP}| (?:and|plus|for|in|from|including)\b)"
)
CHANGED = re.compile(
    rf"{_SUBJECT} (?P<verb>rose|fell|increased|decreased|grew|declined|dropped) by"
    r" (?P<amount>(?:about |around |nearly |more than )?\d[\d,.]*"
    r"(?: (?:per cent|percent|million|points)|%)?)"
    rf"(?={_STOP}| (?:in|to|from|over|since|because|and|during|between)\b)"
)
MEASURED = re.compile(
    rf"{_SUBJECT} {_BE} (?P<amount>(?:about |around |nearly |up to |only )?\d[\d,.]*(?: million)?"
    r" (?:metres?|meters?|kilometres?|kilometers?|centimetres?|millimetres?|miles|feet|inches"
    r"|years|km|m|cm|mm)) (?P<how>high|long|wide|deep|tall|thick|old)"
    rf"(?={_STOP}| (?:and|but|with|at)\b)"
)
OF_SIZE = re.compile(
    rf"{_SUBJECT} (?P<verb>has|have|had) an?"
    r" (?P<size>(?:total |estimated |average |maximum |minimum )?(?:population|length|height|width"
    r"|depth|diameter|area|capacity|volume|weight|mass|speed|altitude|elevation|circulation|budget"
    r"|membership|staff|fleet)) of (?P<amount>(?:[a-z]+ ){0,3}\d[\d,.]*(?: [a-z]+){0,3})"
    rf"(?={_STOP}| (?:and|in|with|at)\b)"
)
SUPERLATIVE = re.compile(
    r"(?P<subject>[A-Z][\w'’.-]*(?: (?:[A-Z][\w'’.-]*|of|the|and|de|van|von)){0,4}) is the"
    r" (?P<rank>(?:second |third )?(?:largest|smallest|oldest|highest|longest|tallest|deepest"
    r"|newest|busiest|capital|most \w+) [^,;:]{3,60}?)"
    r"(?=[,;]|\.(?!\S)| (?:and|with|by|after|which|that)\b)"
)
_NUMBER = (
    r"(?:\d[\d,]*(?:\.\d+)?(?: (?:hundred|thousand|million|billion))?|[Tt]wo|[Tt]hree|[Ff]our"
    r"|[Ff]ive|[Ss]ix|[Ss]even|[Ee]ight|[Nn]ine|[Tt]en|[Ee]leven|[Tt]welve|[A-Z]?[a-z]+teen"
    r"|(?:[Tt]wenty|[Tt]hirty|[Ff]orty|[Ff]ifty|[Ss]ixty|[Ss]eventy|[Ee]ighty|[Nn]inety)"
    r"(?:-[a-z]+)?)"
)
_HEDGE = (
    r"(?:(?:[Aa]bout|[Aa]round|[Nn]early|[Oo]ver|[Mm]ore than|[Ll]ess than|[Aa]t least|[Uu]p to"
    r"|[Aa]lmost|[Aa]pproximately|[Ss]ome|[Oo]nly) )?"
)
_COUNTED = (
    r"(?P<noun>(?!more |other |additional |of |to |times |years )(?:[a-z-]+ ){0,2}?"
    r"[a-z]{2,}(?:s|people|children|men|women))"
)
HAS_NUMBER = re.compile(
    rf"{_SUBJECT} (?P<verb>has|had|contains|contained|employs|employed|operates|owns|runs)"
    rf" (?P<number>{_HEDGE}{_NUMBER}) {_COUNTED}"
    rf"(?={_STOP}| (?:and|in|on|at|with|for|from|as|who|which|that|by|to|throughout)\b)"
)
NUMBER_FIRST = re.compile(
    rf"(?P<number>{_HEDGE}{_NUMBER}) {_COUNTED}"
    r" (?P<verb>were|are|live|lived|work|worked|took part|attended|died)"
    # "Two fingerprints are listed": where, it does not say.
    r"(?! (?:listed|shown|displayed|given|used|described|available|possible|needed|required"
    r"|supported|defined|created|returned|printed|set)[.,;])"
    rf"(?P<rest>(?: [^\s,;:]+){{1,8}}?)(?={_STOP})"
)
