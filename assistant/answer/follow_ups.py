"""Tells a follow-up from a question that stands alone, by rules over what the question names.

A cue ("it", "那", a short line) never decides alone: a question that names its own topic stands
alone whatever it begins with ("So how do vaccines work?", 也门的首都是哪里？).
"""

import re
from typing import Literal

from assistant.answer.topics import is_same_kind
from ingest.text.language import language_of
from ingest.text.words import content_words, words

ContextDependence = Literal["alone", "pronoun", "demonstrative", "ellipsis"]
"""How a question needs the conversation. "pronoun": a word of it stands for the topic;
"demonstrative": "this car", "上述"; "ellipsis": its topic is left out."""

THIRD_PERSON_EN = re.compile(
    # Not IT, the trade.
    r"\b(?:(?-i:[Ii]t)|they|them|he|him|she|(?P<own>its|their|his|her))\b",
    re.IGNORECASE,
)
THIRD_PERSON_ZH = re.compile(r"[它她]们?|(?<![其吉耳维利排])他们?(?![人国乡日命山])")
PERSON = re.compile(r"\b(?:he|him|his|she|her)\b|[他她](?!们)", re.IGNORECASE)
PLURAL = re.compile(r"\b(?:they|them|their|both)\b|[他她它]们|两者|二者", re.IGNORECASE)

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|《[^》]*》|「[^」]*」|`[^`]*`|(?<!\w)'[^']+'(?!\w)")
_EXPLETIVE = re.compile(
    r"\b(?:is|was|will|would|can|could|isn't|does|did|should|may|might) it (?:\w+ ){0,3}?"
    r"(?:(?:rain|snow|raining|snowing)\b|\w+ (?:for \w+ )?(?:to|that)\b)"
    r"|\bdoes it (?:take|cost|matter|help|mean|hurt|make sense)\b(?= (?:for|to|if|when|that"
    r"|whether)\b)"
    r"|\b(?:it is|it's|it takes?|it was) (?:\w+ ){0,2}?(?:to|that)\b|\bwhat time is it\b"
    r"|\bdoes it mean (?:that|when|if|to|for)\b|\bmake it \w+ to\b|\bthere\b(?= (?:is|are|was"
    r"|were|be)\b)"
    r"|\b(?:is|are|was|were) there\b|\b(?:that|this) (?:year|month|week|morning|evening)\b",
    re.IGNORECASE,
)
_DEMONSTRATIVE_EN = re.compile(
    # Not "the satellite that was launched": there it joins clauses.
    r"\b(?:these|those)\b"
    r"|(?:^|\b(?:is|was|are|were|does|did|do|can|will|would|why|how|like|about|with|for|of|after"
    r"|before|by|in|at|use|do|explain|mean) )(?:this|that)\b(?! of\b)"
    r"|\b(?:this|that)\s*(?:$|[?.!])|\bthis (?!year|month|week|morning|evening)\w+"
    r"|\bthe (?:former|latter|first one|second one|other one|others|above|old one|new one)\b"
    r"|\bthe same\s*(?:$|[?.!])|\bthere(?=\s*[?.!]*$)|\b(?:which|the|an?) (?:other )?ones?\b",
    re.IGNORECASE,
)
_CONNECTIVE_EN = re.compile(
    r"^(?:(?:and|but|or|so|then|also)\b[\s,]*)+|^(?:what|how) about\b\s*|^what if\b\s*",
    re.IGNORECASE,
)
_ALSO_EN = re.compile(
    r"[\s,](?:too|either|as well|instead|then|otherwise)\s*[?.!]*$", re.IGNORECASE
)
_BARE_EN = re.compile(
    r"(?:really|why not|how come|what else|who else|where else|since when|how so|such as"
    r"|like what|for whom|by whom|in what way|are you sure)\W*",
    re.IGNORECASE,
)
_ELSE_EN = re.compile(r"(?:what|who|where) else\b", re.IGNORECASE)
QUESTION_FORM_EN = re.compile(
    r"^(?:(?:in|at|on|by|for|to|from|since|with|under|of) )?(?:what|which|who|whom|whose|when|where"
    r"|why|how|is|are|was|were|do|does|did|can|could|may|must|shall|should|will|would|has|have|had"
    r"|isn't|aren't|don't|doesn't|didn't|can't)\b",
    re.IGNORECASE,
)
_ASKING_EN = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_CLAUSE_EN = re.compile(
    r"\b(?:when|if|after|before|that|because|while|until|since|once|what|or|and|say|says|said|think"
    r"|claim|believe|although|where|than)\s+$",
    re.IGNORECASE,
)
_PREPOSITION_EN = re.compile(
    r"^(?:in|at|on|for|with|without|since|from|to|under|over|during|after|before|by|about|of|only"
    r"|even|not|per)\b",
    re.IGNORECASE,
)
_GENERIC_EN = frozenset(
    words(
        """
    many much long far high big old fast heavy deep bright expensive often large tall wide hot cold
    cost price weigh weight size height length speed range age limit need required require license
    licence permit permission registration insurance allowed legal safe possible necessary
    apply happen work mean else exception difference reason example detail option step way kind type
    rule fine penalty battery time hour day week month year number version way next last late first
    use get go come make give take say know think like there really exactly usually still ever since
    install uninstall remove delete update upgrade configure disable enable treat cure prevent
    diagnose
    """
    )
)
_MODIFIERS_EN = frozenset(
    words("default final total maximum minimum usual exact average current normal official")
)
_ATTRIBUTE_EN = re.compile(
    r"\b(?:the|any|its|their|some|other) (?:\w+ )?(?:symptom|cause|treatment|complication|effect"
    r"|benefit|risk|dose|dosage|advantage|disadvantage|drawback|alternative|feature|requirement|prerequisite"
    r"|ingredient|dimension|population|capital|currency|author|director|ending|plot|score|result"
    r"|winner|loser|scorer|referee|attendance|venue|margin|deadline|fee|discount|salary|bonus|port"
    r"|password|syntax|temperature|ratio|opening hour|opening time|address|phone number)s?"
    r"(?: (?:like|then|again|there|exactly|called|made|needed|required))?\W*$",
    re.IGNORECASE,
)
"""An attribute of what was named before; "a dose", or "currency" alone, is asked for itself."""
_NO_SUBJECT_EN = re.compile(
    # Lower case alone: "Who was Fred?" asks for him.
    r"[Ww]ho (?:was|were|got|is|are) (?!ahmed|moha|muha|fred|jared|alfred)"
    r"(?:[a-z]{3,}ed|sent|hurt|chosen|beaten)(?: (?:off|out|in|up|first|last))?\W*"
    r"|[Ww]ho (?:won|lost|scored|came (?:first|second|third|last))"
    r"(?: (?:first|last|twice|the (?:match|game|race|final|goals?|points?)))?\W*"
    r"|(?:[Ii]s|[Aa]re|[Ww]as|[Ww]ere) there (?:an? |any |other )?[a-z-]+(?: [a-z-]+)?\W*"
    r"|[Ww]hat [a-z]+ (?:do|will|would|should|must) (?:I|we|you) (?:need|use|take|bring)\W*"
    # "How many eggs?", "At what temperature?"; "What causes asthma?" has two words.
    r"|(?:[Hh]ow (?:many|much)"
    r"|(?:[AaIi][tn]|[Ff]or|[Oo]n|[Bb]y|[Ww]ith) (?:what|which|how (?:many|much))) "
    r"[a-z]+(?: (?:exactly|roughly|each|per \w+|a \w+|then))?\W*"
)
"""A question of which the subject is left out by its form."""
_NAME_EN = re.compile(r"(?<=[\w,\"'(] )[A-Z][\w+#-]*|(?<=\w )[\w-]*\d[\w-]*|\b[A-Z]{2,}\b")

_ORDER_EN = re.compile(
    r"(?:explain|describe|define|compare|list|find|show|tell|give|name)\b", re.IGNORECASE
)
"""Begins "Explain general relativity", which names what it wants."""

_CONNECTIVE_ZH = re.compile(
    # Not 那里, 那个, 那年: there it points to what was named.
    r"^(?:(?:那么|那(?![里儿边个些种样时天年月位次款台家座部])|还有|另外|然后|以及|再|也|而|但是?|所以|不过|可是)[\s,，、]*)+"
)
_DEMONSTRATIVE_ZH = re.compile(
    # Not 这个世界上: that is everywhere.
    r"[这那](?!个世界)(?:车|书|药|款|台|种|个|些|本|家|座|位|次|部|类|件|项|辆|只|条|首|样|里|儿|道|篇|份)"
    r"|^[这那](?:是|有|会|能|怎|为|算|和|跟|要)|(?<![应活])该(?:国|市|公司|产品|型号|机|车|书"
    r"|片|病|法|校|省|县|地|药|软件)"
    r"|上述|上面(?:的|提|说)|刚才|前面(?:的|提|说)|前者|后者|两者|二者"
    r"|^其(?!他|它|中国|实|次|余|乐|间|名|貌|妙|后|一|二|三)|^此(?:外|时|[类种项])|其中"
)
ASKING_ZH = re.compile(
    r"请问|什么时候|什么样|什么|怎么样|怎么办|怎么|怎样|如何|哪些|哪里|哪儿|哪个|哪一?年"
    r"|哪一?种|哪|几个|几"
    r"|是不是|是否|能不能|可不可以|会不会|要不要|有没有|能否|可否|为什么|为何|为啥|多少钱|多少"
    r"|多[大高远重久热冷长快深宽厚]|谁|何时|何地|吗|呢|吧|[?？]"
)
_GENERIC_ZH = re.compile(
    r"需要|可以|应该|必须|不用|登记|申请|注册|许可证?|执照|驾照|签证费|价格|价钱|重量|体重"
    r"|续航|时间|长度|高度|宽度|深度"
    r"|大小|尺寸|速度|面积|人口|海拔|年龄|费用|成本|处罚|罚款|限制|限高|条件|材料|资料|流程"
    r"|手续|步骤|期限|有效期|保修|电池"
    r"|屏幕|颜色|寿命|温度|原因|作者|区别|好处|坏处|缺点|优点|副作用|症状|种类|类型|办法|方法"
    r"|地方|地址|电话|规定|要求|标准"
    r"|例外|其他国家|别的国家|国外|国内|其他|其它|别的|其余|一天|每天|每次|一次|一般|大概"
    r"|最多|最少|最高|最低|现在|以后|之后"
    r"|之前|冬天|夏天|夜间|晚上|白天|注意|小时|分钟|钱|合适|最好|事项|什么|带|吃|喝|要|会|能"
    r"|有|是|在|的|了|得|到|用|和|还|也|都|就"
    r"|很|最|被|把|给|对|从|去|来|做|说|为|岁|年|月|日|天|次|个|米|克|多|[\s,，.。!！、;；:：]"
)
_ATTRIBUTES_ZH = (
    r"票价|门票|车费|运费|学费|房租|租金|押金|工资|薪水|待遇|奖金|税率|利率|油耗|功率|电压|容量|内存|分辨率|像素"
    r"|载重|航程|射程|含量|剂量|用量|浓度|保质期|营业|开放|班次|车次|首班车|末班车|座位|并发症|后遗症|病因|疗法"
    r"|疗程|治疗|治愈|预防|诊断|检查|传染|遗传|禁忌|用法|配料|做法|热量|产地|结局|主角|导演|演员|票房|评分"
    r"|出版社|首都|货币|语言|气候|特产|景点|依赖|参数|默认值|返回值|语法|例子|示例|配置|端口|安装|卸载|升级"
    r"|更新|删除|关闭|启用|退货|退款|办理|报名|取消|修复|解决|操作|设置|恢复|备份|清洗|保养|维修|发车|到站"
    r"|开门|关门|开始|结束|比分|进球|得分|裁判|赛程|排名|名次|结果|利息|收益|手续费|赎回|续费|改签|转让|延期"
    r"|分期|退订|报销|火候|调料|名额|分数线|学制"
)
"""What a Chinese question may leave its subject out of: 票价多少？ 怎么卸载？ 有哪些并发症？"""
_ASKS_ATTRIBUTE_ZH = re.compile(
    rf"(?:怎么|如何|怎样|几点|有哪些|有什么|有没有|提前|可以|能不能|能|会不会|会|需要|要|是否|还)*"
    rf"(?:(?:{_ATTRIBUTES_ZH})的?)+(?:是|有|要)?(?:多少|多大|多高|多久|多长|几点|几个|哪些|哪里|谁|怎么样|怎么算|如何|高|贵|大"
    rf"|多)*(?:钱|时间|步骤|方法)?[吗呢吧]?"
)
_BARE_ZH = re.compile(
    # 谁最先发现的？ has no object.
    r"谁(?:最早|最先|第一个|首先)(?!是|叫)[\u4e00-\u9fff]{2}[的了过]?|谁(?!是|叫)[\u4e00-\u9fff]{1,2}的[球歌书诗片图曲]?"
    # How much of what goes in: 糖放多少？ 要加几勺盐？ but not 牛奶能放多久？
    r"|[\u4e00-\u9fff]{1,3}(?:要|应该|该|需要|得)?(?:放|加|倒|添|兑|搁)(?:多少|几[勺克个杯片])"
    r"|(?:一般|大概)?(?:要|应该|该|需要|得)?(?:放|加|倒|添|兑|搁)(?:多少|几[勺克个杯片])[\u4e00-\u9fff]{0,3}"
    # Whom it is asked for, and not of what: 孕妇能吃吗？ but not 孕妇能喝茶吗？
    r"|(?:儿童|小孩|孩子|老人|孕妇|婴儿|学生|外国人|女性|男性|成人|未成年人|新手|个人|企业|公司)"
    r"(?:也|都|就)?(?:不?(?:会|能|用|需要|可以|应该|要)){1,2}[\u4e00-\u9fff]?[吗么]"
    r"|第[一二三四五六七八九十百\d]+(?:条|章|节|步|个|项|点|款|页|种)(?:是|的|有|怎|呢).{0,8}"
    # What was advised did not help.
    r"|(?:如果|要是|万一)?(?:还是|仍然|都)?(?:不行|没用|不成功|失败了?|没反应|无效|不管用|不起作用)(?:的话)?[，,]?(?:怎么办|呢)?"
    r"|从(?:什么时候|哪天|何时|哪里|哪儿)(?:开始)?(?:算起?|计算|起算)"
)
_SUBJECTLESS_ZH = re.compile(
    r"^(?:(?:还|也|都|一般|大概|最多|一定|必须|一天|每天)*(?:需要|需不需要|要不要|可不可以"
    r"|可以|能不能|能|会不会|会|要"
    r"|必须|应该|用|得|有没有|有|是不是|是否|怎么|如何|在哪里?|多久|谁|什么时候|为什么))+"
)
MIN_TOPIC_ZH_CHARACTERS = 2
"""Characters that are left of a Chinese question when all that asks is gone: 李白, 光速."""

LEFT_OF_SUBJECTLESS_ZH = 2
"""Characters, at most, of what a question without a subject does: 要(煮)多久, 需要(护照)吗."""

NAMED_BEFORE_EN = 5
NAMED_BEFORE_ZH = 6
"""Content words, or characters, before a pronoun among which is what it stands for."""

CLAUSE_ZH = 3
"""The same where the question begins with what it is about and not with 谁 or 怎么."""

MAX_ELSE_WORDS_EN = 2
"""Content words of "who else signed the treaty?", which leans on the question before.

With more, or with a name, it stands alone: "What else is new in Python 3.13?".
"""

WHOLE_QUESTION_EN = 2
"""Content words of a question that begins with a preposition and leaves nothing out."""

SHORT_FRAGMENT_EN = 2
"""Content words, at most, of a line without a question's form that leans on the one before."""


def classify_dependence(
    question: str, *, topic_subject: str = "", earlier_text: str = ""
) -> ContextDependence:
    """Return how a question depends on the conversation.

    Args:
        question: Without discourse words (`assistant.answer.discourse`).
        topic_subject: What the conversation is about; a question that names it stands alone.
        earlier_text: The earlier questions, in which "the lights" may have been named.
    """
    bare = _QUOTED.sub(" Q1 ", question).strip()
    if language_of(question) == "zh":
        return classify_chinese(bare, topic_subject)
    return classify_english(bare, topic_subject, earlier_text)


def is_attribute(phrase: str) -> bool:
    """Return whether a Chinese phrase is an attribute of a thing and no thing: 重量, 高度限制."""
    return bool(phrase) and not _GENERIC_ZH.sub("", phrase)


def asks_attribute(question: str) -> bool:
    """Return whether a Chinese ellipsis says what it asks: 续航时间多长？ but not 为什么？."""
    return bool(ASKING_ZH.search(re.sub(r"[呢?？]+$", "", question))) and not re.match(
        r"为什么|为何|怎么", question
    )


def without_connective(question: str) -> str:
    """Return the question without "and", "what about", "那", "呢" around it."""
    text = question.strip()
    if language_of(text) == "zh":
        bare = re.sub(r"呢(?=[?？]?$)", "", _CONNECTIVE_ZH.sub("", text))
    else:
        bare = _CONNECTIVE_EN.sub("", text)
    return bare or text


def classify_english(bare: str, topic_subject: str, earlier_text: str) -> ContextDependence:
    """Return how an English question depends on the conversation."""
    plain = _EXPLETIVE.sub(" ", bare)
    pronoun = THIRD_PERSON_EN.search(plain)
    if pronoun and not is_named_before(plain, pronoun):
        return "pronoun"
    if _DEMONSTRATIVE_EN.search(plain):
        return "demonstrative"
    rest = _CONNECTIVE_EN.sub("", bare)
    without_subject = _BARE_EN.fullmatch(bare) or _NO_SUBJECT_EN.fullmatch(rest)
    if without_subject or _ALSO_EN.search(bare) or asks_for_others(bare):
        return "ellipsis"
    connected = rest != bare
    if re.match(r"(?:what|how) (?:about|if)\b", bare, re.IGNORECASE):
        return "ellipsis"
    own_words = [word for word in content_words(rest) if word not in _GENERIC_EN]
    nouns = set(own_words) - _MODIFIERS_EN
    has_name = bool(_NAME_EN.search(rest))
    if QUESTION_FORM_EN.match(rest):
        if _ATTRIBUTE_EN.search(rest) and not has_name and len(nouns) == 1:
            return "ellipsis"
        return (
            "alone"
            if has_name or names_own_topic(rest, own_words, topic_subject, earlier_text)
            else "ellipsis"
        )
    if _PREPOSITION_EN.match(rest):
        # "In 1785 James Hutton presented what paper?" is a whole question.
        whole = len(set(own_words)) >= WHOLE_QUESTION_EN and _ASKING_EN.search(rest)
        return "alone" if whole else "ellipsis"
    # "Python" alone is a name, "Canada?" asks on.
    has_name = has_name or (rest[:1].isupper() and " " not in rest)
    if connected and len(rest.split()) <= SHORT_FRAGMENT_EN:
        return "ellipsis"  # "and part-timers?" has three words to search for
    if len(set(content_words(rest))) > SHORT_FRAGMENT_EN or (own_words and _ORDER_EN.match(rest)):
        return "alone"
    return "ellipsis" if connected or rest.endswith("?") or not has_name else "alone"


def asks_for_others(bare: str) -> bool:
    """Return whether a question asks what else answers the one before: "Who else signed it?"."""
    has_name = any(name != "I" for name in _NAME_EN.findall(bare))
    own_words = set(content_words(bare)) - _GENERIC_EN
    return bool(_ELSE_EN.match(bare)) and not has_name and len(own_words) <= MAX_ELSE_WORDS_EN


def is_named_before(plain: str, pronoun: re.Match[str]) -> bool:
    """Return whether the question itself says what its pronoun stands for.

    "What do bees feed their young?" does; "Does Amazon sell it?" does not, though it has a name.
    """
    before = plain[: pronoun.start()]
    own = [word for word in content_words(before) if word not in _GENERIC_EN]
    if len(own) >= NAMED_BEFORE_EN:
        return True
    if not (pronoun["own"] or _CLAUSE_EN.search(before)):
        return False
    is_plural = PLURAL.fullmatch(pronoun.group())
    plural = is_plural and re.search(r"\b[a-z]{3,}s\b(?<!does)(?<!was)", before)
    # "In its use …, what is California famous for?": the name comes after.
    name = _NAME_EN.search(before) or (_PREPOSITION_EN.match(plain) and _NAME_EN.search(plain))
    return bool(plural or name or re.search(r"\b(?:an?|the) \w+", before))


def names_own_topic(rest: str, own: list[str], topic_subject: str, earlier_text: str) -> bool:
    """Return whether a question has a noun of its own, not only "the lights" named before."""
    if not own:
        return False
    if set(own) & set(content_words(topic_subject)):
        return True
    definite = re.findall(r"\bthe (\w+)", rest, re.IGNORECASE)
    before = set(words(earlier_text))
    return not (
        definite
        and len(set(own)) == 1
        and set(words(" ".join(definite))) >= set(own)
        and set(own) <= before
    )


def _is_named_before_zh(before: str, bare: str) -> bool:
    """Return whether the words before a pronoun hold what it stands for: 哈佛终止了它的计划吗."""
    left = _GENERIC_ZH.sub("", ASKING_ZH.sub("", _CONNECTIVE_ZH.sub("", before)))
    begins_asking = ASKING_ZH.match(bare) or _SUBJECTLESS_ZH.match(bare)
    return len(left) >= (NAMED_BEFORE_ZH if begins_asking else CLAUSE_ZH)


def _leaves_topic_out_zh(rest: str, topic_subject: str, *, is_asked_on: bool) -> bool:
    """Return whether a Chinese question says by its form that it goes on (哪个更快？ 广州呢？)."""
    if re.match(r"(?:哪一?[个种款家]|谁|哪边)(?:更|比较|最)", rest):
        return True  # it compares what was named before
    tail = rest.rstrip("?？。! ！")
    if not ASKING_ZH.search(re.sub(r"[呢?？]+$", "", rest)):
        # 伦敦？ behind a question on Paris, as "Canada?"; 黑洞？ is a topic of its own.
        return is_asked_on or (rest != tail and is_same_kind(tail, topic_subject))
    return bool(_BARE_ZH.fullmatch(tail) or _ASKS_ATTRIBUTE_ZH.fullmatch(tail))


def classify_chinese(bare: str, topic_subject: str = "") -> ContextDependence:
    """Return how a Chinese question depends on the conversation."""
    pronoun = THIRD_PERSON_ZH.search(bare)
    if pronoun and not _is_named_before_zh(bare[: pronoun.start()], bare):
        return "pronoun"
    demonstrative = _DEMONSTRATIVE_ZH.search(bare)
    if demonstrative and not _is_named_before_zh(bare[: demonstrative.start()], bare):
        return "demonstrative"
    if pronoun or demonstrative:
        return "alone"
    rest = _CONNECTIVE_ZH.sub("", bare)
    if _leaves_topic_out_zh(
        rest, topic_subject, is_asked_on=re.search(r"呢[?？。]*$", bare) is not None
    ):
        return "ellipsis"
    left_text = _GENERIC_ZH.sub("", ASKING_ZH.sub("", rest))
    if len(left_text) < MIN_TOPIC_ZH_CHARACTERS:
        # 也门 and 而立 are words: with the first character there is a topic.
        whole = _GENERIC_ZH.sub("", ASKING_ZH.sub("", bare[1:]))
        is_word = bare[:1] in "也而再" and len(bare[:1] + whole) >= MIN_TOPIC_ZH_CHARACTERS
        # 糖是什么？ names its own topic, 原因是什么？ does not.
        is_defined = left_text and re.match(r".(?:是什么|是谁)", rest)
        return "alone" if (is_word and whole) or is_defined else "ellipsis"
    latin = re.search(r"[A-Za-z0-9]", left_text)
    subjectless = _SUBJECTLESS_ZH.match(rest)
    if subjectless and not latin and len(left_text.lstrip("不别")) <= LEFT_OF_SUBJECTLESS_ZH:
        # 为什么会打雷 and 怎么申请护照 name what they ask for; 需要护照吗 does not say who.
        return "alone" if re.match(r"为什么|怎么|如何|什么时候|谁", rest) else "ellipsis"
    if re.fullmatch(r"[^A-Za-z0-9]{1,3}吗[?？]*", rest):
        return "ellipsis"
    return "alone"
