"""What a question is about: the noun that a pronoun of the next question stands for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.foundation.messages import Language
from ingest.text.language import language_of

TOPIC_WORDS = 16
"""Words of an English question that are added to the next one, at most."""

PAIR = 2
"""Questions whose subjects are compared by "which one is bigger"."""

TOPIC_CHARACTERS = 6
"""A shorter phrase of a Chinese question is no topic by itself: the next phrase goes along."""

LONGEST_NOUN_BEHIND_NAME = 2
"""Words of the noun to which a name belongs: "borrow checker" of "the Rust borrow checker"."""

_BE = "is|are|was|were|am"
_AUXILIARY = rf"{_BE}|do|does|did|can|could|may|might|must|shall|should|will|would|has|have|had"
_QUESTION_EN = re.compile(
    r"^(?P<wh>(?:what|which|how|who|whom|whose|when|where|why)\b(?P<noun>[^?]*?))??\s*"
    rf"\b(?P<aux>{_AUXILIARY})\b\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_IS_SHORTENED = re.compile(r"^(what|who|where|when|how)['’]s\b", re.IGNORECASE)
_WHO_DID = re.compile(r"^(?:who|what|which (?P<noun>\w+))\s+\w+\s+(?P<rest>.+)$", re.IGNORECASE)
_PREPOSITION = (
    r"for|in|on|at|to|from|by|with|without|about|into|under|over|during|after|before|when|while|if"
    r"|that|and|or|than|as|per|between|against|through"
)
_CUT = re.compile(rf"\s+(?:{_PREPOSITION})\b.*$", re.IGNORECASE)
_NAME = re.compile(
    r"(?:the )?[A-Z0-9][\w.+#'-]*(?:\s(?:[A-Z0-9][\w.+#'-]*|of(?= [A-Z])|[a-z]+\+))*"
)
_OF_NAMED = re.compile(
    r"(?i:the) (?:[a-z]+ ){1,3}(?:on|for|of|in|at) (?:the )?[A-Z][\w-]*(?: [\w-]+){0,2}"
)
"""A thing of what has a name: "the warranty on the Acme kettle"."""
_BETWEEN = re.compile(
    r"(?:the )?(?:[a-z]+ )?(?:difference|similarit|distinction|relation)[a-z]* between "
    r"(?P<things>.+)"
)
_DETERMINER = re.compile(r"^(?:an?|the|any|some|my|your|our)\s+", re.IGNORECASE)
_VERB = re.compile(
    r"\s+(?:need|have|cost|weigh|fly|work|mean|take|be|use|stay|eat|keep|get|make|live|grow|cause"
    r"|last|run|help|sleep|say|require|contain|look|become|come|go|start|happen|do|give|hold)\b.*$"
)
_STATE = re.compile(
    r"(?<=\w) (?:\w{3,}ed|kept|made|built|born|called|safe|legal|famous|good|bad|free|open"
    r"|dangerous"
    r"|healthy|worth|allowed|better|possible|necessary|true|located|written|sold|found|known)\b.*$"
)
_ATTRIBUTE_OF = re.compile(
    r"^(?:the )?(?:\w+ )?(?:height|weight|price|cost|size|length|speed|range|age|population"
    r"|area|limit"
    r"|name|date|author|inventor|colou?r|purpose|meaning|definition|history|use|uses|value|number"
    r"|battery life|temperature|depth|width|capacity|version|symptoms?|causes?|effects?|treatments?"
    r"|benefits|risks?|dangers?|advantages|disadvantages|features|complications|ingredients"
    r"|requirements|side effects|origins?|types?|kinds?|rules|results?) of ",
    re.IGNORECASE,
)
_PEOPLE = frozenset(("i", "we", "you", "one", "people", "someone", "they", "it", "there", "water"))
_ASKING_ZH = re.compile(
    r"请问|什么时候|什么样|什么|怎么样|怎么|怎样|如何|哪些|哪里|哪个|哪年|哪|几个|几点|几时|几|是否"
    r"|可以|能不能|能否"
    r"|需要|应该|有没有|为什么|为何|还是|多[少大高远重久热冷长快深宽]|谁|[吗呢吧了是在有]"
    r"|[?？!！,，。;；:：、]"
)
_EDGES_ZH = re.compile(r"^[的和与去用\s]+|[的和与用要会能吃做叫属\s]+$")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z0-9.+#-]*(?:\s[A-Z0-9][A-Za-z0-9.+#-]*)*")

_PLACES_ZH = frozenset(
    """
    中国 美国 英国 法国 德国 俄罗斯 日本 韩国 朝鲜 印度 西班牙 葡萄牙 意大利 荷兰 比利时
    瑞士 瑞典 挪威 丹麦 芬兰 冰岛 波兰 捷克 奥地利 匈牙利 希腊 土耳其 乌克兰 罗马尼亚 爱尔兰
    加拿大 墨西哥 巴西 阿根廷 智利 秘鲁 古巴 澳大利亚 新西兰 泰国 越南 老挝 柬埔寨 缅甸
    马来西亚 新加坡 印尼 印度尼西亚 菲律宾 蒙古 哈萨克斯坦 巴基斯坦 阿富汗 伊朗 伊拉克
    以色列 沙特 沙特阿拉伯 阿联酋 埃及 南非 尼日利亚 肯尼亚 埃塞俄比亚 摩洛哥 欧盟 香港 澳门
    台湾 北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 成都 武汉 西安 长沙 郑州 青岛 济南
    沈阳 大连 哈尔滨 长春 昆明 贵阳 南宁 海口 三亚 厦门 福州 合肥 南昌 太原 石家庄 兰州 西宁
    银川 拉萨 乌鲁木齐 呼和浩特 宁波 无锡 东莞 佛山 东京 大阪 京都 首尔 巴黎 伦敦 柏林 罗马
    马德里 纽约 洛杉矶 莫斯科 悉尼 曼谷
    """.split()  # noqa: SIM905  a list of literals would be three times as long
)
"""Names of places that show no kind, as 德国 and 杭州市 do."""

_KIND_AT_END_ZH = frozenset("国省市县区州镇岛河湖江山族语系校病")
"""Characters that say what a name is the name of: two that end with the same are of one kind."""

_DEEDS_ZH = re.compile(
    r"[上下爬登出回归过渡生看治得发犯患养爱进去离跨救强][国省市县区州镇岛河湖江山校病]"
)
"""Not names: 爬山, 回国, 生病."""

_SURNAMES_ZH = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦傅方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔汤屈"
    "司诸欧鲁辛岳文"
)
MAX_PERSON_NAME_ZH = 4

_KINDS_LATIN = tuple(
    frozenset(names.split(","))
    for names in (
        "france,spain,germany,italy,portugal,england,britain,uk,ireland,scotland,wales,poland,austria"
        ",switzerland,belgium,netherlands,denmark,sweden,norway,finland,iceland,greece,turkey,russia"
        ",ukraine,hungary,romania,bulgaria,china,japan,korea,india,pakistan,vietnam,thailand,malaysia"
        ",singapore,indonesia,philippines,australia,canada,mexico,brazil,argentina,chile,peru"
        ",colombia,cuba,egypt,morocco,kenya,nigeria,ethiopia,south africa,israel,iran,iraq,usa"
        ",united states,united kingdom,new zealand,saudi arabia,czechia,croatia,serbia,estonia"
        ",latvia,lithuania,taiwan,hong kong,paris,london,berlin,munich,hamburg,rome,milan"
        ",madrid,barcelona,lisbon,vienna,zurich,geneva,brussels,amsterdam,copenhagen,stockholm,oslo,helsinki,athens"
        ",istanbul,moscow,kyiv,beijing,shanghai,shenzhen,guangzhou,tokyo,osaka,kyoto,seoul,delhi"
        ",mumbai,bangkok,hanoi,jakarta,manila,sydney,melbourne,toronto,vancouver,montreal,new york"
        ",chicago,boston,seattle,san francisco,los angeles,texas,california,florida"
        ",europe,asia,africa",
        "windows,linux,macos,ubuntu,debian,fedora,centos,arch,alpine,android,ios,ipad,freebsd,suse",
        "python,java,javascript,typescript,rust,go,ruby,php,perl,kotlin,swift,scala,julia,haskell,c++"
        ",c#,lua,r,matlab",
        "monday,tuesday,wednesday,thursday,friday,saturday,sunday",
        "january,february,march,april,may,june,july,august,september,october,november,december",
        "mysql,postgresql,sqlite,redis,mongodb,mariadb,oracle",
        "chrome,firefox,safari,edge,opera",
    )
)


def is_same_kind(name: str, other: str) -> bool:
    """Return whether two names are surely names of the same kind of thing."""
    folded = {name.casefold(), other.casefold()}
    if any(folded <= kind for kind in _KINDS_LATIN) or {name, other} <= _PLACES_ZH:
        return True
    end = name[-1:]
    if end != other[-1:] or end not in _KIND_AT_END_ZH:
        return False
    return not any(_DEEDS_ZH.fullmatch(one) for one in (name, other))


def place_in_front(name: str) -> str:
    """Return the place that a Chinese name begins with: 北京 of 北京办事处, "" for none."""
    return next((name[:length] for length in (2, 3, 4) if name[:length] in _PLACES_ZH), "")


def may_be_person_zh(name: str) -> bool:
    """Return whether a Chinese word is written like the name of a person: 杜甫, 亚历山大·贝尔."""
    return "·" in name or (2 <= len(name) <= MAX_PERSON_NAME_ZH and name[0] in _SURNAMES_ZH)


_ASKS_PERSON = re.compile(
    r"^(?:who|by whom|which \w+) (?!is\b|was\b|are\b|were\b)|^who (?:is|was) (?:the|a)\b"
    r"|(?<!是)谁(?!是)|(?:作者|导演|发明者|创始人|主演|总统|主席|校长|市长|队长|冠军)是谁"
    # 公司的CEO是谁？ asks for a person, 李白是谁？ about one.
    r"|的[^的]{1,8}是(?:谁|哪位)|谁是[^的]+的",
    re.IGNORECASE,
)
_NAME_OF_PERSON = r"[A-Z][\w'’-]+(?: (?:[A-Z]\.|[A-Z][\w'’-]+|van|von|de|da|di|bin)){1,3}"
_PERSON_ALONE = re.compile(rf"(?P<name>{_NAME_OF_PERSON})\W*(?:\[\d+\]\W*)*")
# Where the answer says it of the person: "X wrote it", "it was written by X", "X is the …".
_PERSON_SUBJECT = re.compile(rf"(?P<name>{_NAME_OF_PERSON}) (?:is|was|(?P<verb>[a-z]+))\b")
_PERSON_AGENT = re.compile(
    r"\b(?P<verb>written|invented|directed|founded|discovered|painted|created|composed|built|designed"
    rf"|developed|made|won|led|sung|produced|proposed|established) by (?P<name>{_NAME_OF_PERSON})"
)
_NO_PERSON = re.compile(
    r"^(?:The|A|An|In|On|At|By|According|I|It|This|That|New|United|North|South|West|East|Saint|St"
    r"|January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|(?:Times|Post|States|Kingdom|Museum|University|Hospital|Company|Officer|Institute|Office)$"
)
_PERSON_ZH = re.compile(
    r"(?:是|由|为|：)(?P<name>[\u4e00-\u9fff]{1,6}(?:·[\u4e00-\u9fff]{1,6}){1,3}|[\u4e00-\u9fff]{2,3})"
    r"(?=[\[。，,（(]|所|写|创|发明|提出|率)"
)
MAX_LEAD_CHARACTERS = 300
"""Characters at the beginning of an answer that hold what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a question that stands alone is about."""

    question: str
    phrase: str
    """What goes in front of an ellipsis: "the DJI Mini 4 Pro in winter"."""
    subject: str
    """What a pronoun stands for; "" where that is not plain."""
    things: str
    """What "they" stands for, where it differs: lights of "What lights does a drone need?"."""
    is_person: bool
    language: Language
    answered_person: str = ""
    """Whom the answer to a question such as "Who wrote Hamlet?" names."""

    @property
    def latin_name(self) -> str:
        """Return a name that is written alike in both languages, or ""."""
        source = self.question if self.language == "zh" else self.subject
        found = _LATIN_NAME.search(source)
        return found.group() if found else ""


def topic_of(question: str) -> Topic:
    """Return what a question that stands alone is about."""
    text = question.strip()
    language = language_of(text)
    if language == "zh":
        # Its first phrases that ask nothing.
        phrases: list[str] = []
        for part in _ASKING_ZH.split(text):
            phrase = _EDGES_ZH.sub("", part)
            if len(phrase) > 1 and len("".join(phrases)) < TOPIC_CHARACTERS:
                phrases.append(phrase)
        phrases = phrases or [text.rstrip("?？ ")]
        subject = phrases[0] if _LATIN_NAME.match(phrases[0]) else phrases[0].partition("的")[0]
        return Topic(
            question=text,
            phrase=" ".join(phrases),
            # Python 的 asyncio is about asyncio, 无人机的重量 about the drone.
            subject=(
                subject
                if re.search(r"的\s*[A-Za-z]", subject)
                else subject.partition("的")[0].strip()
            ),
            things="",
            is_person=bool(re.search(r"是谁|谁是|哪位", text)),
            language=language,
        )
    subject, things = english_subject(_IS_SHORTENED.sub(r"\1 is", text.rstrip("?.! ")))
    return Topic(
        question=text,
        phrase=" ".join(text.rstrip("?.! ").split()[:TOPIC_WORDS]),
        subject=subject,
        things=things,
        is_person=bool(re.match(r"(?:who|whose) (?:is|was|are|were)\b", text, re.IGNORECASE)),
        language=language,
    )


def alike_subjects(topics: Sequence[Topic]) -> str:
    """Return the subjects of the last two questions where these ask the same, else ""."""
    if len(topics) < PAIR:
        return ""
    one, other = topics[-PAIR:]
    if not one.subject or not other.subject or one.subject == other.subject:
        return ""
    same = one.question.replace(one.subject, "") == other.question.replace(other.subject, "")
    return f"{one.subject} {other.subject}" if same else ""


def asks_for_person(question: str) -> bool:
    """Return whether a person's name answers a question: "Who wrote Hamlet?", not "Who is Ada?"."""
    return _ASKS_PERSON.search(question) is not None


def person_in_answer(question: str, answer: str) -> str:
    """Return whom the answer to "Who wrote Hamlet?" names first, or "".

    "he" of the next question is that one; Hamlet it is not.
    """
    if not asks_for_person(question):
        return ""
    lead = answer.strip()[:MAX_LEAD_CHARACTERS]
    if (alone := _PERSON_ALONE.fullmatch(lead)) and not _NO_PERSON.search(alone["name"]):
        return alone["name"]
    begun, agent = _PERSON_SUBJECT.match(lead), _PERSON_AGENT.search(lead)
    asks_what_is = bool(re.match(r"who (?:is|was)\b", question, re.IGNORECASE))
    verb = begun["verb"] if begun else None
    named = begun if begun and (asks_what_is if verb is None else verb in question) else agent
    if named and not _NO_PERSON.search(named["name"]) and named["name"] not in question:
        return str(named["name"])
    return next(
        (
            found["name"]
            for found in _PERSON_ZH.finditer(lead)
            if may_be_person_zh(found["name"]) and found["name"] not in question
        ),
        "",
    )


def english_subject(question: str) -> tuple[str, str]:
    """Return the noun that a pronoun stands for, and the one that a plural may stand for."""
    parsed = _QUESTION_EN.match(question)
    if parsed is None:
        did = _WHO_DID.match(question)
        # "Which trains go from Leeds to York?" is about trains.
        if did and did["noun"] and re.match(rf"(?:{_PREPOSITION})\b", did["rest"]):
            return f"{did['noun']} {did['rest']}", ""
        return (_CUT.sub("", did["rest"]) if did else question), ""
    rest, noun = parsed["rest"].strip(), (parsed["noun"] or "").strip()
    if re.fullmatch(_BE, parsed["aux"], re.IGNORECASE):
        # "What is the weight of X?" is about X; "the capital of X" is a thing of its own.
        rest = _ATTRIBUTE_OF.sub("", rest)
        named = _OF_NAMED.fullmatch(rest)
        if between := _BETWEEN.fullmatch(rest):
            return rest, between["things"]
        phrase = _CUT.sub("", rest)
        # "The warranty" alone would find those of everything.
        return named[0] if named else _STATE.sub("", phrase) or phrase, ""
    name = _NAME.match(rest)
    if name and name.group().split()[0] != "I":
        # "What does the Rust borrow checker do?": the name ends with the noun before the last verb.
        before = _CUT.sub("", rest)
        verb = _VERB.search(before)
        more = before[name.end() : verb.start()].split() if verb and " " not in verb[0][1:] else []
        longer = 0 < len(more) <= LONGEST_NOUN_BEHIND_NAME and name.group() != before
        return " ".join([name.group(), *more]) if longer else name.group(), ""
    words = rest.split()
    kind = noun.split()[-1] if noun else ""
    if words[0].casefold() in _PEOPLE:
        # What is done to in "I install Docker on Debian", "water be for green tea".
        done = " ".join(words[2:])
        found = re.match(r"for (?P<noun>.+)", done)
        # "They" of "What vaccines do I need for Kenya?" are the vaccines.
        things = f"{noun} {found[0] if found else ''}".strip() if kind.endswith("s") else ""
        return (found["noun"] if found else _CUT.sub("", done)), things
    subject = english_agent(rest)
    if kind.endswith("s") and noun.casefold().startswith(kind.casefold()):
        return subject, f"{_DETERMINER.sub('', subject)} {kind}"
    return subject, ""


def english_agent(rest: str) -> str:
    """Return who does what in "a drone need at night"."""
    before = _CUT.sub("", rest)
    bare = _DETERMINER.sub("", before)
    # "a visa for Japan cost": the verb is behind the preposition.
    if " " not in bare and before != rest:
        whole = rest.split()
        return " ".join(whole[:-1])
    cut = _VERB.sub("", before)
    if cut != before:
        return cut
    head, _, _ = before.partition(" the ")
    words = head.split()
    return " ".join(words[:-1]) if len(words) > 1 else head


def may_stand_for_person(latest: Topic) -> bool:
    """Return whether "he" may be what the last question is about: 李白是谁 but not CEO是谁."""
    if asks_for_person(latest.question):
        return False
    # An English or Latin name may be anybody's.
    is_latin = latest.language != "zh" or latest.subject == latest.latin_name
    return is_latin or latest.is_person or may_be_person_zh(latest.subject)
