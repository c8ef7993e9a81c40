"""Words that ask for an attribute, and those that an answer says it in."""

from typing import Final

from ingest.text.words import words

SAYS_THE_SAME: Final = tuple(
    tuple(frozenset(half.split()) for half in (group.partition("|")[0], group.replace("|", " ")))
    for group in (
        "manager coach boss head chief ceo director president chairman chairwoman leader executive"
        " | chair",
        "author writer wrote written novel book poem play",
        "founder founders founded started established created launched",
        "inventor invented developed developer designed created invention",
        "maker makes manufacturer manufactured produces produced producer brand makers",
        "mother parents daughter",
        "father parents son",
        "study studied studies degree university graduated student | attended read phd doctorate",
        "capital seat governed government",
        "headquarters headquartered based office offices seat",
        "wife husband spouse partner married",
        "owner owners owned owns belongs property",
        "population inhabitants residents",
        "composer composed music",
        "length long",
        "height tall high",
        "depth deep",
        "age old",
    )
)
"""English words of which one says what another asks for; those behind a bar only say it."""
ASKED_ALONE: Final = frozenset(
    words(
        "manager coach ceo chairman author wrote founder founded inventor invented developer"
        " developed headquarters wife husband owner owns population composer composed mother"
        " father study studied maker makes manufacturer"
    )
)
"""Those that ask for nothing else; to partner, to create and an age are of many things."""
SAYS_THE_SAME_ZH: Final = (
    ("教练", "执教", "主帅"),
    ("创始人", "创办", "创立", "创建", "成立", "建立"),
    ("老板", "董事长", "总裁", "总经理", "创始人"),
    ("作者", "写", "著", "撰"),
    ("丈夫", "结婚", "夫妇", "嫁"),
    ("妻子", "夫人", "太太", "结婚", "夫妇", "娶"),
    ("导演", "执导"),
    ("主演", "出演", "饰演", "演"),
    ("发明", "研制", "首创", "造"),
    ("发现", "找到", "观测"),
    ("创作", "写", "著", "作者", "画", "曲", "撰", "作", "小说", "诗", "长卷"),
    ("写", "著", "作者", "撰", "创作", "作品", "笔", "小说", "诗", "散文"),
    ("画", "作", "绘", "长卷", "图卷"),
    ("创立", "创办", "创建", "成立", "建立", "创始", "开创"),
    ("创办", "创立", "创建", "成立", "建立", "创始", "开办"),
    ("创建", "创立", "创办", "成立", "建立", "创始"),
    ("翻译", "译"),
    ("建造", "建", "造", "修", "施工"),
    ("提出", "提", "主张", "首倡"),
    ("设计", "出自", "建筑师"),
    ("负责人", "主任", "经理", "主管"),
)
HOW_MUCH_ZH: Final = {
    "价格": "元 价 钱 块 费 $ ¥ ￥ € £",
    "售价": "元 价 钱 块 $ ¥ ￥ € £ 售",
    "重量": "克 斤 吨 重 磅 kg g mg t lb",
    "体重": "克 斤 重 磅 kg lb",
    "身高": "身高 米 尺 公分 cm m",
    "高度": "高 米 尺 公分 cm m mm",
    "长度": "长 米 里 尺 公分 cm m mm km",
    "宽度": "宽 米 尺 公分 cm m mm",
    "深度": "深 米 cm m mm",
    "海拔": "海 米 m",
    "面积": "面 积 亩 顷 平 m² ㎡ m2 km² km2 ha",
    "人口": "人 口 居民",
    "年龄": "岁 龄 生",
    "速度": "速 里 米 节 km m mph",
    "时速": "速 里 米 节 km mph",
    "温度": "度 温 ℃ °",
    "容量": "容 升 安 量 GB TB MB L ml mAh",
    "功率": "瓦 功率 匹 马力 W kW hp",
    "热量": "卡 热 焦 kcal cal kJ",
    "总部": "总 位 设 坐 址",
}
"""Chinese attributes with what an answer has one of: its units, or words for it."""
