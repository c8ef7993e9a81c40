"""Words that a fair paraphrase puts in the place of others, in one spelling for both.

Small by design, and written by hand: only what stands for the other almost everywhere. Names,
numbers, polarity and order are compared as before, and opposites by their own spelling.
"""

import re
from functools import lru_cache

_GROUPS = """
establish found create form | move relocate | current present | get obtain receive acquire gain
try attempt | begin start commence | end finish conclude | build construct erect | buy purchase
show demonstrate display | use utilize utilise employ | need require | help assist aid
allow let permit enable | keep retain | make produce manufacture
about around approximately roughly nearly | big large | little small | fast quick rapid
important significant crucial | many numerous | enough sufficient adequate
only just merely solely | also additionally | but however although though yet | since because as
new recent | leave exit depart | job position post role | ask request call
talk negotiate speak | say tell state claim | think believe consider reckon
carry have bear own | equip furnish | see observe | visible seen | expand increase grow rise climb
decrease decline fall drop | weigh weight
wish want desire | wide broad | cost price | pay spend | choose select pick
give provide offer supply | contain include comprise hold | live reside dwell
work labor labour | worker employee | child kid | film movie | company business firm
car automobile | sick ill | doctor physician | author writer | country nation | near close
often frequent common | usual typical normal | whole entire | main chief principal primary
old ancient | happen occur | kill slay | error mistake | fix repair | remove delete
change alter modify | check verify | send transmit | stay remain | reach attain | agree consent
mean signify | sort kind type | way method manner | goal aim purpose objective | rule regulation
law legislation | area region | place location site | home house | road street | pupil student
teach instruct | illness disease | summarise summarize | various different several | via through
drug medicine medication | aircraft plane airplane | copy duplicate | retake repeat | per each
overseas abroad | certain definite sure | faster quicker | revamp overhaul | happy content
unit division | speed velocity | answer reply respond | shut close | gather collect | save store
repeat redo | discover detect | fight battle | wed marry | begin originate | vanish disappear
appear emerge | arrive reach | prove confirm | pick choose | postpone delay defer
relieve alleviate ease | purchase buy | notify inform | trip journey crossing
"""
_IRREGULAR = """
speak spoke spoken | say said | tell told | think thought | make made | build built | buy bought
get got gotten | give gave given | begin began begun | keep kept | leave left | hold held
see saw | show shown | send sent | mean meant | choose chose chosen | grow grew grown
fly flew flown | write wrote written | take took taken | become became | win won | lose lost
sell sold | pay paid | wear wore worn | run ran | go went gone | come came | know knew known
use used using | lead led | teach taught | bring brought | feel felt | meet met | spend spent
stand stood | understand understood | fall fell fallen | rise rose risen | draw drew drawn
drive drove driven | eat ate eaten | drink drank drunk | lie lay lain laid | catch caught
fight fought | feed fed | grow grew grown | steal stole stolen | shoot shot
sing sang sung | swim swam swum | break broke broken | freeze froze frozen | hide hid hidden
ride rode ridden | seek sought | sink sank sunk | strike struck | sweep swept
child children | man men | woman women | foot feet
swear swore sworn | throw threw thrown | wake woke woken | lend lent | bend bent | breed bred
"""
# A pattern, what takes its place, and words or ideographs one of which is in all that it finds.
_PHRASES = (
    # "Not required to" is neither "must" nor "must not", so it keeps its words.
    (
        r"(?<!not )(?<!n't )\b(?:(?:has|have|had|needs?|needed|ought"
        r"|(?:is|are|was|were) (?:required|obliged|supposed)) to|should|shall)\b",
        "must",
        "to should shall",
    ),
    (
        r"(?<!not )(?<!n't )\b(?:is|are|was|were) (?:allowed|permitted|able|free) to\b",
        "may",
        "allowed permitted able free",
    ),
    # A bound and no negation.
    (
        r"\b(?:(?:must|may|should|shall|can|do|does)(?: not|n['’]t)"
        r"|(?:is|are|was|were)(?: not|n['’]t) (?:allowed|permitted) to) (?P<verb>\w+)"
        r" (?:more|longer) than\b",
        r"may \g<verb> at most",
        "than",
    ),
    (
        r"\b(?P<verb>can(?:not|['’]t)) (?P<what>\w+) (?:more|longer) than\b",
        r"may \g<what> at most",
        "than",
    ),
    (
        r"\b(?:is|are|was|were)(?: not|n['’]t) open\b|\b(?:do|does)(?: not|n['’]t) open\b",
        "closed",
        "open",
    ),
    (
        r"\b(?:must|may|shall|should|can|do|does|will)(?: not|n['’]t) exceed\b|\bcannot exceed\b",
        "may be at most",
        "exceed",
    ),
    (r"\b(?:not|without) exceeding\b", "at most", "exceeding"),
    (r"\b(?:no|not) (?:more|greater|higher|longer) than\b", "at most", "than"),
    (r"\b(?:no|not) (?:less|fewer|lower) than\b", "at least", "than"),
    (r"不(?:得|能|可以?|应该?|要|会)?(?:服用|使用|吃|喝|存放?)?(?:超过|[多高大]于)", "至多", "不"),
    (r"不(?:得|能|可|应|要|会)?[少低小]于", "至少", "不"),
    (r"限(?:额|量)?(?=\d)|(?:最多|顶多)(?!的)", "至多", "限 多"),
    (r"(?<![\d第])一次(?=\s?\d|[一二两三四五六七八九半][片粒丸支袋瓶勺滴毫])", "每次", "次"),
    (
        r"(?<![\d第])一[日天](?=(?:至多|至少)?\s?(?:\d|[一二两三四五六七八九十]))|每天|天天",
        "每日",
        "日 天",
    ),
    (r"位于|坐落于|坐落在|地处|(?:保存|存放|储存|放)在", "在", "位 坐 处 在"),
    (r"(?:星期|礼拜)(?=[一二三四五六日天])", "周", "期 拜"),
    (r"(?:不足|[未不]满|[低小]于)(?=\s?[\d一二三四五六七八九十百千万])", "少于", "足 满 于"),
    # Of a version "or older" is a most, of an age a least.
    (
        r"(?P<version>(?:\b(?:version|release|macos|ios|android|windows|ubuntu|debian|python|java|php"
        r"|node|chrome|firefox|office|kernel) [\d.]+|\d\.\d+)) or older\b",
        r"\g<version> or less",
        "older",
    ),
    (r"\bor (?:newer|later|higher|above|greater|over|up|older)\b", "or more", "or"),
    (r"\bor (?:lower|below|fewer|under|younger|earlier)\b", "or less", "or"),
    # A pronoun and no number.
    (
        r"(?<!only )(?<!no )(?<!this )(?<!that )(?<!each )(?<!every )(?<!any )(?<!least )\bone"
        r" (?=(?:may|can|cannot|must|should|could|would|might|has to|needs to)\b)",
        "you ",
        "one",
    ),
    (r"\b(?:pay|cost)s? nothing\b", "are free", "nothing"),
    # A bound in time, and no negation; "younger than" is one of age.
    (r"\b(?:no|not) later than\b", "within", "later"),
    (
        r"\b(?:younger than|less than (?=[\w-]+ years?\b)|(?:aged )?under the age of)\b",
        "under",
        "than age",
    ),
    (r"\b(?:older than|over the age of)\b", "over", "than age"),
    (r"(?<=\d) (?:years? old|years? of age)\b", " years", "old age"),
    (
        r"\b(?:(?:do|does)(?: not|n['’]t)|needn['’]t|need not) (?:have to |need to )?pay\b",
        "are free",
        "pay",
    ),
    (r"\b(?:shut|shuts|shutting) down\b", "closed", "down"),
    (r"\bfollowing (?=an?\b|the\b)", "after ", "following"),
    (r"\b(?:chief executive(?: officer)?|CEO)\b", "CEO", "chief ceo"),
    (r"\b(?:(?:chief financial officer|head of finance)|CFO)\b", "CFO", "chief head cfo"),
    (r"\bset(?:s|ting)? up\b", "establish", "up"),
    (r"\bsum(?:s|med|ming)? up\b", "summarise", "up"),
    (r"\bas well as\b", "and", "well"),
    (r"\b(?:in order to|so as to)\b", "to", "order so"),
    (r"\b(?:due to|owing to|because of)\b", "because", "due owing because"),
    (r"\b(?:at no (?:cost|charge)|free of charge|without charge)\b", "free", "cost charge"),
    (r"\bin (?:talks|negotiations)\b", "negotiating", "talks negotiations"),
    (r"\b(?:12|twelve) (?=noon|midnight)", "", "12 twelve"),
    (r"\b(?:a lot of|lots of|plenty of)\b", "many", "lots lot plenty"),
    (r"\bma(?:k|d)es? use of\b", "use", "use"),
    (r"\b(?:takes? place|took place)\b", "happen", "place"),
    (r"\b(?:known as|referred to as|named)\b", "called", "known referred named"),
)
_GROUPS_ZH = """
应当 必须 需要 应该 务必 须要 | 打开 开启 | 夜间 晚上 夜晚 夜里 晚间 | 白天 日间
今晚 今天晚上 今夜 | 搬到 迁居 搬往 移居 迁往 迁至 搬至 | 建成 竣工 完工 落成
建立 设立 成立 创立 创建 创办 | 提交 递交 上交 呈交 | 逾期 过期 超期 | 视为 算作 当作 视作
不得 不能 不可 不准 不许 不允许 不可以 | 使用 采用 运用 动用 利用 调用
随后 之后 然后 接着 其后 | 因此 所以 因而 于是 | 因为 由于 | 但是 然而 不过 可是
如果 假如 要是 倘若 | 结束 完结 终止 | 立即 马上 立刻 随即 | 购买 购置 | 出售 售卖
帮助 协助 援助 | 说明 表示 指出 | 公布 发布 | 位于 坐落于 地处 处于 | 首次 第一次 首度
目前 现在 当前 如今 | 经常 常常 时常 往往 | 非常 十分 极其 极为 相当 | 重要 关键 要紧
增至 增加到 增长到 提高到 提升到 上升到 升至 升到 涨到 涨至 上涨至 上升至 提高至
增至 增长至 增加至 提升至 上调至 上调为 上涨到
降至 下降到 降到 降低到 减少到 减至 下调至 下调为 下跌到 跌至 下降至 下跌至 减少至 降低至
减少 降低 缩减 下降 | 增加 提高 增多 提升 增长 上升 | 获得 取得 得到 赢得 | 提供 给予 供给
包括 包含 涵盖 含有 | 拥有 具有 具备 | 居住 居于 | 去世 逝世 过世 病逝 | 出生 诞生 | 担任 出任
主要 首要 | 全部 所有 一切 悉数 | 几乎 差不多 近乎 | 快速 迅速 很快 | 发现 察觉 | 注意到 留意到
查看 观看 | 询问 打听 | 核查 核实 查核 | 联系 联络 | 回应 回复 答复 回答 | 尚未 还没有 还未 仍未
截至 截止 | 老师 教师 | 薪水 工资 薪金 薪资 | 响应 呼应 | 号召 呼吁 | 泄漏 泄露 外泄
消息 信息 讯息 | 不实 不属实 虚假 失实 | 依然 仍然 仍旧 依旧 | 附近 周边 一带
手段 方法 办法 方式 途径 | 透露 披露 | 长久 漫长 长期 长时间 | 场景 场面 情景 情形
少见 罕见 不多见 | 破解 破译 | 运算 计算 | 可能 或许 也许 | 即使 就算 哪怕 纵使
按照 依照 根据 依据 | 对于 而言 来说 | 成为 变成 变为 | 内置 搭载 | 确保 保证 保障 | 遵守 遵循
强大 强有力 | 持续 不断 | 冲泡 泡制 | 适合 适宜 | 医生 大夫 | 父亲 爸爸 | 母亲 妈妈 | 丈夫 老公
妻子 老婆 太太 | 孩子 小孩 儿童 | 汽车 轿车 | 电脑 计算机 | 手机 移动电话 | 地点 场所 地方
温度 气温 | 原因 缘故 理由 | 携带 带上 | 修建 建造 兴建 | 开始 着手 | 选择 挑选 | 费用 花费
房屋 房子 住房 | 学生 学员 | 高度 真高 | 规定 规则 | 种类 类型 | 影响 作用 | 优点 长处
缺点 短处 | 完成 达成 | 参加 参与 | 举行 举办 | 认为 觉得 | 喜欢 喜爱 | 迅捷 快捷 | 显示 表明
歇业 停业 闭店 不营业 不开门 休息 | 营业 开门 开店
营收 营业收入 | 拟 计划 打算 | 就医 看医生 就诊 看病 | 喝酒 饮酒
禁用 禁止使用 不得使用 不能使用 不可使用 不可以使用 不准使用 | 保存 存放 贮存 贮藏 储存
不变 没有变化 保持不变 没有改变 未变 | 始建 开始修建 开始建造 开始兴建 始修
免费 不收费 不要钱 免收费用
推迟 延后 延迟 | 今日 今天 | 明日 明天 | 昨日 昨天 | 抽烟 吸烟 | 已 已经
毁坏 损毁 毁于
同比 比上年同期 较上年同期 比去年同期 较去年同期 | 任教 教书 执教 | 大儿子 长子 | 大女儿 长女
缺 缺少 缺乏 | 免票 不用买票 不需买票 无需买票 | 关闭 关停 | 搬走 搬出 | 大气 大气层
制造 生产 | 死亡 丧生 | 受伤 负伤 | 价格 价钱 售价
"""
_APPROXIMATELY_ZH = re.compile(
    r"大约|大概|(?<![预合签大节条])约(?=\s?[\d一二三四五六七八九十百千万])|(?<=[度米里人年天岁元倍斤克个时分秒%])左右"
)
LONGEST_DOUBLED = 5
"""Letters of the longest English verb that ends in "ell" by itself: spell, dwell."""
MIN_STEM_LETTERS = 3
"""Letters that a word has left without its ending: "string" is no form of "str"."""


def _stem(word: str) -> str:
    """Return a word without the endings of tense and manner; no word, but one for all forms."""
    for ending in ("ing", "ed", "ly"):
        rest = word.removesuffix(ending)
        if rest == word or len(rest) < MIN_STEM_LETTERS or not re.search(r"[aeiouy]", rest):
            continue
        if rest[-1] == "e":  # need
            continue
        # Travelled and cancelled, but not spelled.
        doubled = rest[-1] == rest[-2] and (
            rest[-1] not in "lsz" or (rest.endswith("ell") and len(rest) > LONGEST_DOUBLED)
        )
        word = rest[:-1] if doubled else rest
        break
    return word[:-1] if len(word) > MIN_STEM_LETTERS and word.endswith("e") else word


def _table(groups: str) -> dict[str, str]:
    """Return word -> first word of its group; a word in two groups belongs to the first."""
    table: dict[str, str] = {}
    for group in groups.replace("\n", "|").split("|"):
        first, *others = group.split() or [""]
        for word in others:
            table.setdefault(word, first)
    return table


_FORMS = {_stem(form): _stem(first) for form, first in _table(_IRREGULAR).items()}
_SYNONYMS = {_stem(word): _stem(first) for word, first in _table(_GROUPS).items()}
_SYNONYMS_ZH = _table(_GROUPS_ZH)
_IN_PHRASES = [
    (re.compile(pattern, re.IGNORECASE), word, frozenset(signs.split()))
    for pattern, word, signs in _PHRASES
]
_SIGN = re.compile(r"[a-z]+|12")
_IDEOGRAPH = re.compile(r"[一-鿿]")
# 不需要 and 不必须 say that it is free, 不得 that it is forbidden: no synonym within them.
_LONGEST_FIRST = (
    *("不需要", "不应当", "不应该", "不必须"),
    *sorted(_SYNONYMS_ZH, key=len, reverse=True),
)
_IN_CHINESE = re.compile(
    # Of 二十分钟 no word is 十分.
    r"[一二两三四五六七八九几\d]十分|十分(?=[钟之\d一二三四五六七八九])"
    # Where no word begins, none of the 300 is tried.
    rf"|(?=[{''.join({word[0] for word in _LONGEST_FIRST})}])(?:{'|'.join(_LONGEST_FIRST)})"
)


@lru_cache(maxsize=1 << 14)
def word_stem(word: str) -> str:
    """Return one word for the forms of a lower-case English word, but not for its synonyms."""
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    stem = _stem(word[:-1] if plural and len(word) > MIN_STEM_LETTERS else word)
    return _FORMS.get(stem, stem)


@lru_cache(maxsize=1 << 14)
def common_word(word: str) -> str:
    """Return one word for a lower-case English word, its forms and its synonyms."""
    stem = _stem(word)
    stem = _FORMS.get(stem, stem)
    return _SYNONYMS.get(stem, stem)


def with_common_phrases(text: str) -> str:
    """Return a text with phrases and Chinese words put as their commonest synonym."""
    held = _signs_in(text)
    for pattern, word, signs in _IN_PHRASES:
        if signs.isdisjoint(held):
            continue
        text, count = pattern.subn(word, text)
        if count:
            held = _signs_in(text)
    if not _IDEOGRAPH.search(text):
        return text
    text = _APPROXIMATELY_ZH.sub("", text)
    return _IN_CHINESE.sub(lambda found: _SYNONYMS_ZH.get(found[0], found[0]), text)


def _signs_in(text: str) -> set[str]:
    # A look-up takes a twentieth of the time in which a pattern goes through a text.
    return {*_SIGN.findall(text.lower()), *text}
