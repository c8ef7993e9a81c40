"""Questions of Chinese sentences whose predicate tells what is asked for: 位于哪里, 由谁, 为什么.

As in `rules_zh`, what is asked for stands where the answer stood, and only the first clause of a
sentence is asked for: what comes behind it may have another subject.
"""

import re
from collections.abc import Iterator

from finetune.synthesize.drafts import QuestionDraft, SourceText
from finetune.synthesize.rules_zh import LONGEST_ASKED, NAME, SPACE, ask_for_day, stands_alone
from ingest.text.cjk import CJK

LEAST_NAME = 2
"""Characters of what a question is about."""

MOST_COMMON_NOUN = 4
"""Characters of a subject that may be a common noun, as 会议: which one, its page says."""

_SUBJECT = rf"(?P<subject>{NAME})"
_END = r"(?=[，。；])"
_VALUE = r"(?P<answer>[^，。；：]{2,30})"
_DAY = (
    r"(?:(?:1[5-9]|20)\d\d年(?:\d{1,2}月)?(?:\d{1,2}日)?|\d{1,2}月\d{1,2}日)"
    r"(?:[上下]午|晚上?)?(?:\d{1,2}(?:时|点)(?:\d{1,2}分|半)?)?"
    r"(?![\d代度级底初末间年至到~～\-–后前]|以[前后来]|之[前后间])"
)
_NO_MAKER = r"(?![院师者局公部组家人商社厂所员权区])"
"""Behind 设计 in 设计院, which is somebody and no deed."""
_WHERE = re.compile(
    rf"^{_SUBJECT}(?P<verb>位于|坐落[于在]|地处|设[在于]|总部[设位]?[在于])(?P<answer>[^，。；：\d]{{2,30}}){_END}"
)
_HELD_AT = re.compile(
    rf"^{_SUBJECT}(?P<day>于{_DAY})?在(?P<answer>[^，。；：\d有参也]{{2,24}}?)(?P<verb>举行|召开|举办|开幕){_END}"
)
_BY_WHOM = re.compile(
    rf"^{_SUBJECT}(?:是)?由(?![于此])(?P<answer>[^，。；：]{{2,24}}?)(?<!出资)(?<!投资)(?<!题字)(?:[在于]{_DAY})?(?P<verb>共同|联合)?(?P<deed>创作|设计|创建|创办|建立|发明|导演"
    r"|执导|编剧|作曲|作词|填词|演唱|主演|主办|承办|主持|负责|出版|发行|开发|制作|生产|运营|管理|拥有|建造|修建|兴建"
    rf"|撰写|编写|翻译|提出|发起|担任|审核|批准){_NO_MAKER}(?P<rest>[^，。；的]{{0,12}}){_END}"
)
_OF_WHAT = re.compile(
    rf"^{_SUBJECT}由(?![于此])(?P<answer>[^。；：]{{2,60}}?)(?P<verb>组成|构成|合成|制成){_END}"
)
_HOLDS = re.compile(
    rf"^{_SUBJECT}(?P<verb>分为|分成|包括|包含|下设|下辖)(?P<answer>(?![在到于由])[^。；：，]*[、和与及][^。；：，]*)。"
)
_NAMED = re.compile(
    rf"^{_SUBJECT}[，,]?(?P<verb>又称|又名|亦称|也称|也叫|又叫|简称|俗称|原名|(?<![类级组])别名|英文名|学名|古称|旧称|全称)(?!称)[为是作]?"
    rf"(?P<answer>[^，。；：的]{{1,24}}){_END}"
)
_ATTRIBUTE = re.compile(
    rf"^(?P<subject>{NAME}的(?P<noun>(?:官方|主要|正式|通用|最大|最高)?"
    r"(?P<who>理事长|董事长|会长|校长|主席|总统|院长|馆长|团长|主任|负责人|创始人|创办人|作者|导演|主编|设计师|发明人|首领|国王|队长)?"
    r"(?:首都|首府|省会|县城|总部|所在地|所在|地址|电话|邮箱|网址|书目|题目|主题|代表作|前身|别名|全称|简称|语言|货币|宗教"
    r"|作用|功能|用途|目的|任务|职责|特点|特征|特色|原因|原料|成分|材料|颜色|口号|校训|总面积|面积|人口|长度|高度|价格"
    r"|标准|期限|日期|时间|生日|学名|源头|发源地|产地|中心|核心|象征|标志)?))(?P<verb>是|为)"
    rf"(?P<answer>[^，。；：]{{2,40}})[，。；]"
)
_AFFECTED = (
    r"(?![未也所称被遭不无没已弃才就便只故遂乃均都又仍再曾须必而并请])[^，。；：]{2,16}?"
    r"(?:将|被|必须|应当?|须|不得|不能|不再|禁止|改|停|下降|上升|增加|减少|提高|降低|可以|无法|推迟|取消|延期|关闭|暂停)"
    r"[^，。；：]{0,30}"
)
"""A clause that names what it is about before it says what becomes of it."""
_CAUSE_FIRST = re.compile(
    rf"^(?:由于|因为|因)(?P<answer>[^，。；：]{{3,40}})，(?:所以|因此|因而)?(?P<effect>{_AFFECTED})。$"
)
_CAUSE_LAST = re.compile(
    rf"^(?P<effect>{NAME}[^，。；：]{{2,30}})，?(?:这?是)?因为(?P<answer>[^，。；：]{{3,40}})。$"
)
_PURPOSE = re.compile(
    rf"^{_SUBJECT}(?P<verb>(?:主要|常|通常|可)?(?:用于|用作|适用于))(?P<answer>(?![^。]*(?:一带|地区|[省市县州]))[^。；：，]{{2,40}})。"
)
_FOR_DOING = re.compile(
    rf"^{_SUBJECT}(?P<verb>(?:主要|常|通常|可)?用来)(?P<answer>[^。；：，]{{2,40}})。"
)
_FOR_SAKE = re.compile(
    rf"^(?P<effect>{NAME}[^，。；：]{{0,20}}?)是为了(?P<answer>[^，。；：]{{3,40}})。$"
)
_WHEN = re.compile(
    rf"^{_SUBJECT}(?P<verb>将?[定设]?[于在])(?P<answer>{_DAY})(?P<rest>(?![至到-])[^，。；：的]{{0,16}}){_END}"
)
_DATE_FIRST = re.compile(
    rf"^(?P<answer>(?:1[5-9]|20)\d\d年(?:\d{{1,2}}月)?(?:\d{{1,2}}日)?)，?(?P<clause>(?P<subject>{NAME})"
    r"(?P<verb>正式)?(?P<deed>成立|建成|去世|逝世|出生|毕业于|创办|创立|创建|开业|通车|开通|竣工|动工|投产|上市|加入|并入|更名为"
    r"|改名为|迁往|迁至|合并|签署|举行|当选|出任|获得|发表|出版|发行|推出|收购|宣布|攻占|击败|战胜|占领)(?P<rest>[^，。；：的]{0,20}))[，。；]"
)
_BIRTH = re.compile(
    rf"^(?P<subject>[{CJK}·]{{2,12}})(?:（[^）]*）)?(?:是|，)[^。；]*?，(?:{_DAY})?(?P<verb>出生于|生于|毕业于|逝世于)"
    rf"(?P<answer>[^，。；：\d]{{2,24}}){_END}"
)
_NO_NAME = re.compile(
    r"是|指的|宣称|表示|透露|认为|指出|^一|^(?:参与|参加|开始|与|同|被|获|加入|进入|担任|出任|共同|正式|宣布|随|并|而|都|均|就|才|分别|可以|以及|有些|其|后|使|让|但)|(?:分别|可以|应该?|必须|不|都|均|也|还|仍|曾|已|主要|通常|[后时中内]|期间)$"
    # 系统有一些软件包 and IFS 也被 hold a predicate of their own; 另个功能 is one of several.
    r"|(?<!所)有一?[些个](?!人)|有(?:许多|不少|几)|并非|不是|唯一|另(?:[个一外]|有)|能够|也(?!门)|[^棉植羽]被(?!子|褥)"
)
_NO_SUBJECT = re.compile(
    r"^(?:定义|选择|指定|设[置定]|点击|单击|双击|打开|添加|删除|创建|启用|禁用|使用|应用(?!程序|软件)|插入|返回|执行"
    r"|显示(?![器屏卡])|输入(?!法)|确定|允许|关闭|按下?|[将会可])|一[个种]$|[或并及和与、]$"
)
"""What is done to a thing that is not named, or half of two predicates: 由用户输入或包括……"""
_NO_EFFECT = re.compile(r"^(?:不|没|无法|未|可|能(?!量|源)|应|必|需|只|仍|会(?![议员计]))")
"""A clause whose subject stands in the sentence before it."""
_ALSO = re.compile("也(?!门)|仍|又(?!名)")
"""What is so as well: beside what, the sentence before tells."""
_IN_PLACE: tuple[tuple[re.Pattern[str], str], ...] = (
    (_WHERE, "{subject}{verb}哪里？"),
    (_HELD_AT, "{subject}{day}在哪里{verb}？"),
    (_BY_WHOM, "{subject}由谁{verb}{deed}{rest}？"),
    (_OF_WHAT, "{subject}由什么{verb}？"),
    (_HOLDS, "{subject}{verb}哪些？"),
    (_NAMED, "{subject}{verb}什么？"),
    (_PURPOSE, "{subject}{verb}什么？"),
    (_FOR_DOING, "{subject}{verb}做什么？"),
    (_WHEN, "{subject}{verb}什么时候{rest}？"),
    (_DATE_FIRST, "{clause}是在什么时候？"),
    (_BIRTH, "{subject}{verb}哪里？"),
)
_LEADING_DATE = re.compile(r"^(?:1[5-9]|20)\d\d年(?:\d{1,2}月)?(?:\d{1,2}日)?，?")
_BRACKETS = re.compile(r"（[^（）]*）|\([^()]*\)")


def ask_by_predicate(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question that a sentence answers by its predicate, one at most."""
    text = SPACE.sub("", source.unit.text)
    # 1953年，沈砚秋毕业于…… leans on nothing: what follows its date names its subject.
    if not stands_alone(text) and not (
        _DATE_FIRST.match(text) and stands_alone(_LEADING_DATE.sub("", text))
    ):
        return
    # 北涧桥（又名…）位于…: the form is read without what is said in brackets.
    bare = _BRACKETS.sub("", text)
    if cause := _CAUSE_FIRST.match(bare) or _CAUSE_LAST.match(bare) or _FOR_SAKE.match(bare):
        if _NO_EFFECT.match(cause["effect"]) or _NO_SUBJECT.match(cause["effect"]):
            return
        # "sudo 程序是为了……": what is for a purpose may be a thing, which nobody asks why.
        is_aim = cause.re is _FOR_SAKE
        question = f"{cause['effect']}是为了什么？" if is_aim else f"为什么{cause['effect']}？"
        if _ALSO.search(question):
            return
        yield source.draft(question, source.unit.text, source.unit.text, "cause", names_page=True)
        return
    question, answer, subject = _asked_of_form(bare)
    if not question or len(question) > LONGEST_ASKED or _NO_NAME.search(subject):
        return
    if _NO_SUBJECT.search(subject):
        return
    is_date = re.match(r"\d+[年月]", answer) is not None
    if is_date and any(True for _ in ask_for_day(source)):
        return  # asked already, in nearly the same words
    if re.fullmatch(r"\d+年", answer):
        question = question.replace("什么时候", "哪一年")
    yield source.draft(
        question,
        source.unit.text,
        answer,
        "date" if is_date else "fact",
        names_page=not source.begins_paragraph
        or (len(subject) <= MOST_COMMON_NOUN and subject not in source.title)
        # "upstream" is a word of English, and here that of its page.
        or re.fullmatch(r"[a-z]+ ?", subject) is not None,
    )


def _asked_of_form(text: str) -> tuple[str, str, str]:
    """Return the question of the first form that fits, its answer and its subject; "" for none.

    What something's capital, author or purpose is, is asked before where and when.
    """
    found = _ATTRIBUTE.match(text)
    if found and found["noun"] and found["answer"][:1] not in "由因在不很非":
        word = "多少" if re.match(r"[约近]?\d", found["answer"]) else "什么"
        if found["who"] and found["noun"].endswith(found["who"]):
            word = "谁"
        return f"{found['subject']}{found['verb']}{word}？", found["answer"], found["subject"]
    for pattern, form in _IN_PLACE:
        if (found := pattern.match(text)) and len(found["subject"]) >= LEAST_NAME:
            parts = {name: value or "" for name, value in found.groupdict().items()}
            return form.format(**parts), found["answer"], found["subject"]
    return "", "", ""
