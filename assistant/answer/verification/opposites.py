"""Pairs of words of which a statement cannot hold both: before and after, 增加 and 减少."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from assistant.answer.verification.antonyms import PAIRS
from assistant.answer.verification.antonyms_zh import PAIRS_ZH
from assistant.answer.verification.synonyms import word_stem
from assistant.answer.verification.tokens import Token

_PAIRS = """
increase increased rise rose rising grow grew growth gain higher more upward greater larger raise
    raised expanded | decrease decreased fall fell falling decline declined drop dropped lower less
    fewer downward reduce reduced reduction smaller shrank shrink
before prior until preceded earlier | after later since followed following
above over exceed exceeded exceeding beyond | below under beneath
allow allowed permit permitted permissible legal lawful | forbid forbidden prohibit prohibited
    ban banned illegal unlawful prevent prevented
must shall required mandatory compulsory obligatory | may optional voluntary might
maximum most highest largest biggest longest | minimum least lowest smallest shortest
oldest earliest | youngest latest newest
first | last
open opened | close closed shut
begin began start started beginning outset | end ended finish finished stop stopped ending
will | might could
gain gained gains | lose lost loses shed
win won victory beat defeated | lose lost defeat
with including | without excluding
include includes included | exclude excludes excluded
inside within | outside
north northern | south southern
east eastern | west western
left | right
male men man | female women woman
positive | negative
true correct | false incorrect wrong
accept accepted approve approved | reject rejected disapproved
success successful succeeded | failure unsuccessful
buy bought | sell sold
import imported imports | export exported exports
always | sometimes
all every each | some few
majority | minority
hot warm warmer | cold cool colder cooler
high | low
public | private
same identical | different
possible | impossible
often frequently | rarely seldom
support supported supports | oppose opposed opposes
join joined entered | leave left quit withdrew
appear appeared | disappear disappeared
safe | dangerous unsafe
rich richer | poor poorer
strong stronger | weak weaker
early | late
enable enabled | disable disabled
day daytime daylight | night nighttime
pass passed passes | fail failed fails
student students pupil pupils | teacher teachers
hot hotter | cold colder
arrive arrived arrives came comes | leave left leaves depart departed
create created creates found founded establish established | destroy destroyed abolish abolished
    close closed closes dissolve dissolved
on | off
win wins | lose loses
cheap cheaper | expensive
summer | winter
morning | evening
parent parents | child children
lend lent | borrow borrowed
question | answer
sender | recipient receiver
seller | buyer
employer | employee
indoor indoors | outdoor outdoors
fair | unfair
single-use | reusable
start starting join joining | leave leaving exit exiting quit quitting
monolingual | bilingual multilingual
"""
_PAIRS_ZH = """
增加 上升 提高 增长 上涨 升高 扩大 增多 增 升 涨 | 减少 下降 降低 下跌 缩小 减小 减 降 跌
之前 以前 前 | 之后 以后 后
以上 高于 超过 大于 多于 上 | 以下 低于 不足 小于 少于 下
允许 准许 可以 | 禁止 严禁 不得
必须 应当 须 | 可以 可 无需 不必
最大 最高 最多 至多 最长 | 最小 最低 最少 至少 最短
最早 | 最晚 最新
开启 打开 开 | 关闭 关 闭
开放 开馆 开门 营业 | 闭馆 关门 停业 歇业
开始 | 结束
胜 赢 战胜 击败 | 败 输
包括 包含 | 不含 除外
内 | 外
营 | 歇
南 | 北
东 | 西
左 | 右
男 | 女
正 | 负
真 | 假
接受 同意 赞成 支持 | 拒绝 反对
成功 | 失败
买 进口 | 卖 出口
多数 | 少数
全部 所有 | 部分 有些
多 | 少
大 | 小
高 | 低
长 | 短
早 | 晚
快 | 慢
强 | 弱
热 暖 | 冷 凉
公立 公共 公有 公 | 私立 私人 私有 私
有 | 无
加入 | 退出
新 | 旧 老 原
好 | 坏
首 | 末
白天 日间 | 夜间 晚上
搬到 迁居 来到 抵达 进入 | 离开 搬离 退出
建成 修建 建立 成立 设立 | 拆除 被毁 毁坏 撤销 解散 取消 关闭
提交 递交 | 撤回
常见 | 少见 罕见
老师 教师 | 学生
夏天 夏季 | 冬天 冬季
室内 | 室外
上午 | 下午
国内 | 国外
停运 停航 停驶 停开 | 运行 运营 开行 营运
首次 初次 | 再次 又一次 第二次
必须 应当 强制 | 自愿 自行选择
自愿 | 强制 必须
买方 | 卖方
"""
_KINDS = """
black green white red blue yellow brown grey gray orange purple
monday tuesday wednesday thursday friday saturday sunday
north south east west
spring summer autumn winter
student teacher parent
day night
"""
_KINDS_IN_PLACE = """
heart liver kidney lung stomach brain skin bladder bowel spleen pancreas
dozens hundreds thousands millions billions
head neck shoulder arm elbow wrist hand finger hip thigh knee calf shin ankle foot toe hamstring
fire flood storm earthquake explosion landslide hurricane tornado drought war avalanche
mother father sister brother aunt uncle cousin grandmother grandfather nephew niece
butter oil margarine lard
sugar salt pepper vinegar honey
milk water juice wine beer tea coffee
chicken beef pork lamb turkey fish
wheat rice barley corn maize oats rye
wood steel iron stone brick concrete glass copper aluminium plastic
gold silver bronze
car bus train tram ferry bicycle motorcycle lorry truck ship plane
dog cat horse cow sheep goat pig rabbit
apple pear plum cherry peach orange lemon banana
fever headache nausea dizziness rash cough diarrhoea drowsiness
wind solar nuclear coal gas
football basketball tennis hockey rugby cricket volleyball swimming
violin piano cello flute guitar trumpet
breakfast lunch dinner
morning afternoon evening
painter sculptor poet composer novelist architect physicist chemist biologist engineer lawyer
january february march april may june july august september october november december
wages rent fuel
"""
"""Kinds of which one cannot stand in the place of another; elsewhere both may be named."""
_KINDS_IN_PLACE_ZH = """
书面 口头
祖母 祖父 外婆 外公 母亲 父亲
心脏 肝脏 肾脏 肺部 胃部
火灾 水灾 洪水 地震 台风 暴雨 炮火 大火 车祸 爆炸
黄油 猪油 菜油 花生油 橄榄油 香油
生抽 老抽
冷水 热水 温水 开水
大火 中火 小火
人工 原材料 运费 租金 能源
小学 初中 高中 大学
地铁 公交 轮渡 机场 高铁
山水 人物 花鸟
"""
_KINDS_ZH = """
微型 轻型 小型 中型 大型
红茶 绿茶 白茶 黑茶 黄茶
红色 绿色 白色 黑色 黄色 蓝色
春季 夏季 秋季 冬季
白天 夜间
甲方 乙方 丙方
工作日 自然日
上个月 本月 下个月
上周 本周 下周
同比 环比
出租人 承租人
买方 卖方
原告 被告
轻度 中度 重度
首次 再次
去年 今年 明年
上半年 下半年
明代 清代 宋代 元代 唐代 汉代
"""
LONGEST_HELD = 6
"""Ideographs of a run in which the opposite of a word is looked for."""
MIN_STEM_LETTERS = 4
"""Letters of a word that a prefix turns round: unsafe, and not "indeed"."""
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "non-")


_SAME_SIDE = {
    "might": ("could",),
    "could": ("might",),
    "beginning": ("outset", "start"),
    "outset": ("beginning", "start"),
}
"""Words that are often in another clause than their opposite: "will rise and could fall"."""


def _poles(table: str, *, stemmed: bool = False) -> dict[str, frozenset[str]]:
    """Return word -> all words that it cannot be exchanged with."""
    opposites: dict[str, set[str]] = {}
    for line in re.sub(r"\n ", " ", table).strip().splitlines():
        one, _, other = line.partition("|")
        left, right = one.split(), other.split()
        if stemmed:
            left, right = [*map(word_stem, left)], [*map(word_stem, right)]
        for words, against in ((left, right), (right, left)):
            for word in words:
                opposites.setdefault(word, set()).update(against)
    return {word: frozenset(against - {word}) for word, against in opposites.items()}


def _kinds(table: str) -> dict[str, frozenset[str]]:
    """Return word -> the other kinds of what it is a kind of."""
    lines = [frozenset(line.split()) for line in table.strip().splitlines()]
    return {word: line - {word} for line in lines for word in line}


_OPPOSITES = _poles(_PAIRS)
_OPPOSITES_ZH = _poles(_PAIRS_ZH + PAIRS_ZH)
_STEMS_OPPOSED = _poles(PAIRS, stemmed=True)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of words, the longest first, none of which is tried where none begins."""
    longest_first = sorted(words, key=len, reverse=True)
    begins = "".join({word[0] for word in longest_first})
    return re.compile(f"(?=[{begins}])(?:{'|'.join(longest_first)})")


_LONG_OPPOSITE_ZH = _any_of(word for word in _OPPOSITES_ZH if len(word) > 1)
_OTHER_KINDS = _kinds(_KINDS)
_OTHER_KINDS_ZH = _kinds(_KINDS_ZH)
_OTHERS_IN_PLACE = _kinds(_KINDS_IN_PLACE)
_OTHERS_IN_PLACE_ZH = _kinds(_KINDS_IN_PLACE_ZH)
_KIND_IN_PLACE_ZH = _any_of(_OTHERS_IN_PLACE_ZH)
_ONE_OF_KIND_ZH = tuple(
    map(
        frozenset,
        (
            "唐宋元明清汉晋隋秦",
            "雨雪雾雹",
            "金银铜铁铝",
            "牛羊猪鸡鸭鱼",
            "春夏秋冬",
            "父母",
            "兄弟姐妹",
        ),
    )
)
"""Single ideographs of which one cannot stand in the place of another, dynasties first."""
_ALL_KINDS = (
    _OTHER_KINDS | _OTHER_KINDS_ZH | _kinds(" ".join(f"周{day}" for day in "一二三四五六日"))
)
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙朱胡郭林罗郑梁谢宋唐许韩冯邓曹彭曾萧蔡潘袁董余苏叶吕魏蒋杜丁沈姜范江傅钟卢汪戴崔廖姚邱夏谭韦贾邹熊孟秦阎薛侯雷龙郝孔邵毛万顾赖"
)
"""The hundred that most people in China have, without those that are commoner as other words."""
_KIND_ZH = _any_of(_OTHER_KINDS_ZH)
_WEEKDAY_ZH = re.compile(
    r"(?<![一二两三四五六七八九十几每\d])(?:周|星期|礼拜)(?=[一二三四五六日天1-6])(?!.次)"
)
"""Not of 一周一次, whose 周一 is no Monday."""


_WEEKDAY_DIGITS = str.maketrans("123456天", "一二三四五六日")


def kinds_are_exchanged(claimed: frozenset[str], held: frozenset[str]) -> bool:
    """Return whether a lower-case word said is no kind held, and another kind of it is.

    Wherever they stand: by day, for what is held of the night.
    """
    return any(
        not held.isdisjoint(others - claimed)
        for word in claimed - held
        if (others := _ALL_KINDS.get(word))
    )


def kinds_of_ideographs(letters: str) -> frozenset[str]:
    """Return the words of a Chinese text that are one of several kinds of something."""
    days = {
        f"周{letters[found.end()].translate(_WEEKDAY_DIGITS)}"
        for found in _WEEKDAY_ZH.finditer(letters)
    }
    return frozenset(days).union(_KIND_ZH.findall(letters))


def kind_words(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the words of tokens that are one of several kinds of something: sunday, 周日, 白天."""
    spelt = "".join(token.key.lstrip("#") for token in tokens)
    return kinds_of_ideographs(spelt) | {t.key for t in tokens if t.key in _OTHER_KINDS}


def is_other_kind(claimed: Iterable[str], held: Iterable[str]) -> bool:
    """Return whether of two runs in each other's place one has a kind and the other another."""
    held = {_singular(word) for word in held}
    claimed = {_singular(word) for word in claimed}
    return any(
        word not in held and not held.isdisjoint(_OTHERS_IN_PLACE.get(word, frozenset()) - claimed)
        for word in claimed
    )


def _singular(word: str) -> str:
    return word if word in _OTHERS_IN_PLACE else word.removesuffix("s")


def is_other_kind_zh(claimed: str, held: str) -> bool:
    """Return the same of two Chinese texts of which one stands in the other's place."""
    return any(
        word not in held
        and any(other in held and other not in claimed for other in _OTHERS_IN_PLACE_ZH[word])
        for word in _KIND_IN_PLACE_ZH.findall(claimed)
    )


def opposed_words_zh(claimed: str, held: str) -> bool:
    """Return whether a Chinese text has an opposite of another's word, and not the word itself."""
    return any(
        word not in held and any(other in held for other in _OPPOSITES_ZH[word])
        for word in _LONG_OPPOSITE_ZH.findall(claimed)
    )


def words_are_opposed(
    claimed: Iterable[str], held: Iterable[str], elsewhere: frozenset[str] = frozenset()
) -> bool:
    """Return whether one of the lower-case words said is the opposite of one that is held.

    Unless a word of the same sense stands elsewhere in what is held.
    """
    claimed = [word for word in claimed if elsewhere.isdisjoint(_SAME_SIDE.get(word, ()))]
    # High-level is to low-level as high is to low.
    claimed = [part for word in claimed for part in {word, word.partition("-")[0]}]
    held = frozenset(part for word in held for part in (word, word.partition("-")[0]))
    stems = frozenset(map(word_stem, held))
    for word in claimed:
        if not held.isdisjoint(_OPPOSITES.get(word, ())):
            return True
        if not stems.isdisjoint(_STEMS_OPPOSED.get(word_stem(word), ())):
            return True
        for other in held:
            shorter, longer = (word, other) if len(word) <= len(other) else (other, word)
            prefix = longer.removesuffix(shorter)
            if len(shorter) >= MIN_STEM_LETTERS and prefix in _PREFIXES:
                return True
    return False


def runs_are_opposed(claimed: str, held: str) -> bool:
    """Return whether two short runs of ideographs, one in the other's place, are opposites."""
    if held in _OPPOSITES_ZH.get(claimed, ()):
        return True
    if len(claimed) == 1 and len(held) == 2:
        return not _OPPOSITES_ZH.get(claimed, frozenset()).isdisjoint(held)
    # 上涨 for 下跌, 增产 for 减产: the characters that differ decide.
    if len(claimed) != len(held):
        return False
    differing = [(a, b) for a, b in zip(claimed, held, strict=True) if a != b]
    return bool(differing) and all(b in _OPPOSITES_ZH.get(a, ()) for a, b in differing)


def exchanged_run(claimed: str, held: str) -> Literal["polarity", "name"] | None:
    """Return what is otherwise where a short run of ideographs is in another's place."""
    if runs_are_opposed(claimed, held):
        return "polarity"
    # 家长必须 for 家长可自愿: what is longer has the opposite in it.
    opposites = _OPPOSITES_ZH.get(claimed, frozenset()) if len(claimed) > 1 else frozenset()
    if len(held) <= LONGEST_HELD and any(other in held for other in opposites if len(other) > 1):
        return "polarity"
    # 李校长 for 陈校长, 清万历 for 明万历.
    other_name = any(names.issuperset((claimed, held)) for names in (SURNAMES, *_ONE_OF_KIND_ZH))
    return "name" if claimed != held and other_name else None
