"""Questions of Chinese sentences: what is asked for stands where the answer stood.

飞行高度不得超过120米。 asks 飞行高度不得超过多少米？ No word has to move, so that what is made of a
good sentence is a good question. Sentences of many clauses or figures ask nothing: which of them a
question is about would be a riddle.
"""

import re
from collections.abc import Iterator

from finetune.synthesize.drafts import QuestionDraft, SourceText, is_whole_sentence
from ingest.text.cjk import CJK

SHORTEST, LONGEST = 8, 100
"""Characters of a sentence that a question is made of."""

LONGEST_ASKED = 50
"""Characters of a question."""

MOST_FIGURES = 2
"""In one sentence: with more, what is asked for is one of a row of numbers."""

MOST_CLAUSES = 2
"""Clauses of a sentence up to what is asked for."""

LONGEST_TERM = 14
"""Characters of what is defined; longer ones are clauses."""

_MEASURES = (
    r"平方公里|平方米|立方米|摄氏度|千瓦时|个?工作日|个自然日|个?小时|个月|分钟|公里|千米|厘米|毫米|千克|公斤"
    r"|毫升|毫安时|[万亿]元|美元|欧元|克(?![服制])|吨|升(?![级高温学])|米(?!饭)|元(?![素旦件])|天(?![气然空])"
    r"|周(?![围边期])|秒|岁|倍|名(?![称字])|人(?![员口工才们类队])"
)
_COUNTED = (
    r"|次(?![数序要])|件(?!事)|台(?!阶)|张|份(?!额)|页|种(?![类子])|层|章|节(?![点能])|条(?!件)|项(?!目)"
    r"|个(?![人别])|位(?![置于])|度(?![假过])|℃|千瓦|瓦|伏|毫安"
)
_AMOUNT = r"\d+(?:,\d{3})*(?:\.\d+)?"
_FIGURE = re.compile(
    rf"(?<![\dA-Za-z第.,\-:：/号版年月至到~～–])(?P<number>{_AMOUNT}(?:\s?[-–~～至到]\s?{_AMOUNT})?)"
    rf"\s?(?P<unit>{_MEASURES}{_COUNTED})"
    # Only behind measures: 一个, 两次 and 三种 are as often a way to say "a" or "some".
    rf"|(?<![\d数几若好第上一二三四五六七八九十百千万亿至到~～–-])[二两三四五六七八九十][二三四五六七八九十百千]*"
    rf"(?P<measure>{_MEASURES})"
    r"|(?<![\d.A-Za-z\-])(?P<percent>\d+(?:\.\d+)?\s?[%％]|百分之[一二三四五六七八九十百\d]+)(?!\d)"
)
_DAY = re.compile(
    r"(?<![\d至到和与~～\-–,])"
    r"(?P<day>(?:1[5-9]|20)\d\d\s?年(?:\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?)?)"
    r"(?![\d度代级底初末间年至到~～\-–]|\s?(?:的|之间|至今|以来|[上下]半|前后|春|夏|秋|冬))"
)
_ASKS = re.compile(r"多少|什么|哪|吗|几何")
"""A sentence with one of these asks for something itself, as exercises do."""
_ANY_FIGURE = re.compile(r"\d+(?:[.,]\d+)*|[两三四五六七八九十]+(?=[个天年名次])")
_CLAUSE_END = re.compile(r"[，；。！;]|,(?!\d{3})")
_OPEN_END = re.compile(r"(?:以来|[以之]?[前后]|期间|时候?|[起中下内间上里处外旁])$")
"""Ends of a clause that only tells when or where: the next one says what."""

_LEANS = re.compile(
    r"^(?:但|而|并|且|仍|则(?!天)|[如若]果?[仍还]|同时|此外|另外|因此|所以|其中|例如|比如|如[，：]|于是|然后|接着|随后|之后|后来|不过"
    r"|然而|否则|即|也|还|又|就|再|才|都|已|曾|只余|当时|目前|现在|今年|去年|昨|今|明|两者|二者|双方|[（(\[【])"
    r"|[它他她这那该此][^余]|其(?![他余中实])|上述|以下|如下|前者|后者|本[文章节条款表图]|我们?|你们?|您"
    r"|[当同翌次隔]年|案中|不久|后[赴来又]|答：|问：|^[\d０-９]"
)
_DEICTIC = re.compile(
    r"[它他她牠祂您你我咱]|其(?![他余实])|该(?!州|校区)|[此彼]|[这那](?!曲)|上述|前述|以下|如下|下列|前者|后者"
    r"|本(?![地科金田州体质月土色性能部草垒])|自己|某|不久|[同翌次隔]年|所述|上文|下文"
)
"""Words that point to another text, wherever they stand in a sentence."""
NAME = (
    r"(?![在从于按据与及由若虽除每另再又也仍想欲]|要(?![塞素点求闻])|为了|以(?!色)|当(?!归)|因(?!特)|随着|自(?![行动来])|最[后初近]|通常"
    r"|一[般些家位名]|对于|经过|目前|现在|平时|如果|只有|还有)"
    rf"(?:[A-Za-z][A-Za-z0-9_.+-]*+|[{CJK}“《])"
    rf"(?:[A-Za-z][A-Za-z0-9_.+-]*+|[（(][\w\s.·-]{{1,40}}[）)]|[{CJK}·《》“”\-\s&/]){{1,24}}?"
)
"""What a sentence is about: no clause, no preposition before it, and no figure but of a model."""
_HOLDS_FIGURE = (
    r"(?:为|是|达到?|[长宽高深重厚](?:达|约|为)?|共?有|共?设有|拥有|需要?|支持|包含|包括|包|可?容纳|能容纳|持有|占"
    r"|(?:不(?:得|能|应|可|宜))?(?:超过|少于|低于|高于|大于|小于|多于)|不足|至少|最[多少长短高低大小]"
    r"|可(?:存储|保存|打印|使用|续航|支持|承受)|提供|覆盖|收取|延长|距离|耗时|用时|持续|充满|约|大约)"
    r"(?:大约|约|近|超过|至少|最多|仅|达|为)?"
)
_HOW_MANY = rf"(?:百分之多少|多少(?:{_MEASURES}{_COUNTED}))"
_MUST = r"(?:应当?|须|必须|需要?|可以?|不得|不能|不可|自动|会|将)"
_DEED = rf"(?:[A-Za-z][A-Za-z0-9_.-]*+|[{CJK}“”《》\s]){{2,24}}"
_WHEN_IT_HOLDS = r"(?:自从?[^，。]{2,14}以来，|如果[^，。]{3,16}，则?)"
_FIGURE_QUESTION = re.compile(
    rf"{_WHEN_IT_HOLDS}?{NAME}(?:"
    # 仓库共有多少件藏品, and nothing that the figure is only said of by the way.
    rf"{_HOLDS_FIGURE}{_HOW_MANY}(?:[A-Za-z]++|[{CJK}](?<![的于以左起前后之至每]))*"
    rf"|{_HOW_MANY}(?:以内|之内|内){_DEED}"
    rf"|(?:低于|高于|超过|不足|大于|小于|不满|达到){_HOW_MANY}时，?{_MUST}{_DEED})？"
)
"""Forms of questions for a figure that are one reading of their sentence."""
_DAY_QUESTION = re.compile(
    rf"{NAME}(?:于|在)(?:哪一年|什么时候)(?![上下]午|[凌早]晨|晚|[夏冬春秋初末底中]|时|第|开学|赛季)"
    rf"(?:[A-Za-z][A-Za-z0-9_.-]*+|[{CJK}“”《》·\s](?<![并而后]))+？"
)
_VAGUE_DAY = re.compile("是由|被迫|曾|原|分别|先后")
"""Beside a date it is one of several, or the sentence says more than when."""
_DEFINITION = re.compile(
    r"^(?:所谓)?[“「]?(?P<term>[^，。；：、（(“”\s]{2,30}?)[”」]?(?:（[^）]{1,40}）|\([^)]{1,40}\))?[，,]?"
    r"(?:是指|指的是|是(?=一[种个款家项名位座类套本台门部幅首所间支条]))(?P<body>.{4,})$"
)
_NO_DEFINITION = re.compile(
    "一个(?:好主意|问题|例子|重要|关键|不错|很|非常|过程$)|一种(?:享受|选择|遗憾|错误)|一件|一项(?:重要|艰巨)"
)
_NO_TERM = re.compile(
    r"首先|[做去来说看想]|[的在不就也都还只但或和与及当我你这那其有为被把让使从向对比将会能可要更最很※]|^[由自随按根据通经凡一二三四五六七八九十]|如果|因为|原本|其实|本来|主要|通常|一般|曾|现$|结果$|^例"
)
_LISTED = re.compile(
    r"(?:以下|下列)(?:[几\d一二三四五六七八九十]+[个种项类点条方]面?)?(?P<noun>[^，。：:]*)$"
)
_OPEN_LIST = re.compile(r"(?:包括|包含|分为|有|涵盖|需要|提供|支持)$")
_NO_LEAD = re.compile("[以下列如]|可以?|可用|主要|常[见用]|一些|部分|注意|步骤|如[果若]")
_NO_ITEM = re.compile(r"[。`{}]|^注意|^如果|[：:]|.{41}|等$")
_DOING = re.compile(
    r"^(?:安装|设置|更换|申请|注册|登录|下载|使用|配置|创建|新建|删除|修改|升级|更新|取消|查询|查看|清洁|清洗|连接"
    r"|启动|启用|关闭|打开|添加|导入|导出|备份|恢复|绑定|解绑|开通|办理|缴纳|提交|预约|退订|订购|购买|选择|保养|拆卸"
    r"|组装)(?=[^的])"
)
_INSTRUCTS = re.compile(
    "请|首先|先[^前生]|(?:依次|同时|长|短|双|右键|左键)?(?:点击|单击|双击|打开|按[住下]?|选择|进入|运行|执行|输入|拔[出下]|插入"
    "|取[出下]|拧|旋转|滑动|登录|填写|准备|关闭|断开|连接|使用|用|将|把)|[在从到][^，。]{1,24}[中里上内下处页]，?"
    "(?:点击|单击|选择|打开|输入|运行|勾选|找到|填写|添加)"
)
"""Beginnings of a text that says how something is done."""
_DOES_ITSELF = re.compile("显示|返回|列出|指定|定义|计算|生成|决定")
"""Beginning of a cell that says what something does: 显示计算的结果。"""
_PLAIN_COLUMN = re.compile(
    r"(?:数值|值|参数值?|内容|说明|描述|答案|回答|答复|详情|具体内容|规格|要求|标准)$"
)
_CONTENT = re.compile("内容|详情|具体内容")
_DESCRIBED = re.compile(r"(?P<always>说明|描述)$|(?:详情|内容)$")
"""Heads of cells that say what something does: 编辑器是创建和编辑图纸 is no sentence.

内容 may be a name as well, as that of a speaker."""

LONGEST_NAME = 12
"""Characters of a cell below 内容 that names something; a longer one describes it."""
_NO_VALUE = re.compile("。|^(?:由于|因为|如果|若|当|用来|用于|返回|指定)")
"""In a cell that says more than a value."""
_FIGURE_CELL = re.compile(
    r"[约≤≥<>¥￥$±-]?\s?\d[\d,.\s/~～–-]*[^\s（(]{0,4}(?:\s?[（(](?!\d+[)）]).*)?"
)
"""A cell with a figure and its unit: 2 字节整数 and 7zr(1) are 什么, and not 多少."""
_PAIRS = ("（）", "“”", "()")
_ASKING = re.compile("什么|如何|怎|哪|是否")
_NO_TOPIC = re.compile(
    r"已|将|被|把|让|要|不|还|也|都|就|是|而|但|与|却|再|又|这|那|从|在|为了|可以|能|应该|须"
)
"""What a heading begins with that is half a sentence, as in the news."""
SPACE = re.compile(rf"(?<=[{CJK}，。]) (?=[{CJK}\d])|(?<=[\d{CJK}]) (?=[{CJK}，。？])")


def ask_for_figure(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield for each figure of a sentence the question for it: 多少米, 百分之多少."""
    text = SPACE.sub("", source.unit.text)
    # "A股份：中标7亿元。" is a line of the news: what is before the colon is no part of a sentence.
    if not stands_alone(text) or len(_ANY_FIGURE.findall(text)) > MOST_FIGURES or "：" in text:
        return
    for figure in _FIGURE.finditer(text):
        unit = figure["unit"] or figure["measure"]
        question_word = "百分之多少" if figure["percent"] else f"多少{unit}"
        question = _clause_with(text, figure, question_word)
        if _FIGURE_QUESTION.fullmatch(question):
            yield source.draft(
                question,
                source.unit.text,
                figure[0].strip(),
                "figure",
                names_page=not source.begins_paragraph,
            )


def ask_for_day(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for the one date of a sentence: 哪一年, 什么时候."""
    text = SPACE.sub("", source.unit.text)
    days = list(_DAY.finditer(text)) if stands_alone(text) else []
    if len(days) != 1:
        return
    question_word = "什么时候" if "月" in days[0]["day"] else "哪一年"
    question = _clause_with(text, days[0], question_word)
    # 于哪一年发表的宣言: the year belongs to a noun, and the sentence is about something else.
    if _DAY_QUESTION.fullmatch(question) and not _VAGUE_DAY.search(question):
        if "的" in question.partition(question_word)[2]:
            return
        yield source.draft(
            question,
            source.unit.text,
            days[0]["day"],
            "date",
            names_page=not source.begins_paragraph,
        )


def ask_what_it_is(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for what a sentence defines: 什么是."""
    text = SPACE.sub("", source.unit.text)
    found = _DEFINITION.match(text) if stands_alone(text) else None
    if found is None:
        return
    term = found["term"]
    if _NO_DEFINITION.search(text):
        return
    # 「Rate」 is a parameter of the function that it stands under, and of others on the page.
    if len(term) < 2 or (text[0] in "「“" and term.isascii()) or re.search("[「」『』“”]", term):
        return
    if len(term) <= LONGEST_TERM and not _NO_TERM.search(term) and not term.isdecimal():
        is_somebody = found["body"].startswith(("一名", "一位"))
        question = f"{term}是谁？" if is_somebody else f"什么是{term}？"
        # 「数值」 in quotes is a word of its page, such as a parameter, and asks for it there.
        yield source.draft(
            question,
            source.unit.text,
            source.unit.text,
            "definition",
            names_page=text[0] in "「“",
        )


def ask_for_items(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question for a list by the line that leads to it: 哪些材料, 流程是怎样的."""
    lead, parted, rest = source.unit.text.partition("\n")
    items = [item.removeprefix("- ").rstrip("；;。，,") for item in rest.split("\n")]
    bare = lead.rstrip("：: ")
    if source.unit.kind != "list" or not parted or len(items) < 2:
        return
    lead_words = re.sub("以下|下列|如下", "", bare)
    if _LEANS.search(lead_words) or _DEICTIC.search(lead_words) or _CLAUSE_END.search(bare):
        return
    # 可以使用的选项有 says nothing of what they are options of; an item that is a sentence, a
    # condition or code is no answer to 哪些.
    if len(bare) < 4 or _NO_LEAD.match(bare) or any(map(_NO_ITEM.search, items)):
        return
    if listed := _LISTED.search(bare):
        noun = listed["noun"].removeprefix("的") or "内容"
        # 以下方法创建的格式 are formats, and the list holds methods.
        if "的" in noun:
            return
        question = f"{bare[: listed.start()]}哪些{noun}？"
    elif bare.endswith("如下"):
        question = f"{bare.removesuffix('如下')}是怎样的？"
    elif _OPEN_LIST.search(bare):
        question = f"{bare}哪些？"
    else:
        return
    listing = "；".join(items)
    yield source.draft(question, f"{bare}：{listing}。", listing, "list")


def deed_question(heading: str, reply: str) -> str:
    """Return how a deed is done that a heading names, "" where the reply does not tell.

    使用管理器 over 管理器是一个……的工具 does not say how.
    """
    does = _DOING.match(heading) and len(heading) <= LONGEST_TERM
    return f"怎么{heading}？" if does and _INSTRUCTS.match(reply) else ""


def topic_question(title: str, heading: str) -> str:
    """Return the question for all that a page says below a heading, "" if it is half a sentence."""
    # What stands below 使用管理器 and does not say how is no more about using it.
    is_other = _NO_TOPIC.match(heading) or _DOING.match(heading)
    return (
        "" if is_other or len(heading) > LONGEST_TERM else f"《{title}》关于“{heading}”说了什么？"
    )


def is_plain_column(column: str) -> bool:
    """Return whether a head says only that a value stands below it: 数值, 说明."""
    return _PLAIN_COLUMN.match(column) is not None


def column_question(subject: str, column: str, value: str) -> tuple[str, str]:
    """Return the question for a cell of a table, and its answer; "" where it has none."""
    question_word = "多少" if _FIGURE_CELL.fullmatch(value) else "什么"
    # 编辑器的说明是创建图纸 is no sentence.
    described = _DESCRIBED.search(column)
    is_deed = len(value) > LONGEST_NAME or _DOING.match(value) or _DOES_ITSELF.match(value)
    is_described = described and is_plain_column(column) and not re.search(r"\d", value)
    if described and is_described and (described["always"] or is_deed):
        return "", ""
    # 参数 and 数值: the row's own name is what is asked for.
    if (
        len(column) > LONGEST_TERM
        or _NO_VALUE.search(value)
        or re.search("什么|如何|怎|哪|是否", column)
    ):
        return "", ""
    # "dev是设备文件" says less than its table does.
    is_bare = is_plain_column(column) and not (_CONTENT.match(column) and subject.isascii())
    about = subject if is_bare else f"{subject}的{column}"
    return f"{about}是{question_word}？", f"{about}是{value}。"


def stands_alone(text: str) -> bool:
    """Return whether a sentence says by itself what it is about."""
    if "\n" in text or len(re.findall("[。！]", text)) != 1:
        return False
    if _LEANS.search(text) or _ASKS.search(text) or _DEICTIC.search(text):
        return False
    return SHORTEST <= len(text) <= LONGEST and is_whole_sentence(text)


def _clause_with(text: str, found: re.Match[str], question_word: str) -> str:
    """Return the text up to the end of the clause of `found`, which gives way to what asks.

    "" where that would be no question.
    """
    ends = [end.start() for end in _CLAUSE_END.finditer(text)]
    at = next((number for number, end in enumerate(ends) if end >= found.end()), len(ends) - 1)
    clause = text[found.end() : ends[at]]
    if _OPEN_END.search(clause):
        at += 1
    before = text[: found.start()]
    # Within brackets or quotes stands what is said by the way, or by somebody else.
    is_inside = any(before.count(pair[0]) > before.count(pair[1]) for pair in _PAIRS)
    if at >= min(len(ends), MOST_CLAUSES) or is_inside:
        return ""
    before, behind = text[: found.start()], text[found.end() : ends[at]]
    question = f"{before}{question_word}{behind}？"
    # What is left has to say what is asked about: 多少米？ does not.
    says = len(before) >= 2 and len(before) + len(behind) >= 3
    closed = all(question.count(pair[0]) == question.count(pair[1]) for pair in _PAIRS)
    return question if says and closed and len(question) <= LONGEST_ASKED else ""
