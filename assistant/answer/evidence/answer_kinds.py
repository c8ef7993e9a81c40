"""The kinds of answer that a question may ask for: how it asks, and how an answer looks."""

from dataclasses import dataclass
from typing import Final

from ingest.text.cjk import CJK

NUMBER = (
    r"(?:\d[\d,. ]{0,18}\d|\d|(?!半数)[零〇一二三四五六七八九十百千万亿两半几]+"
    r"|(?<!\w)(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|half|dozen|hundred|thousand|million|billion)s?)"
)
CLASSIFIERS = "个名位次种件架条本支只座家所届人层章艘辆台张块颗片项瓦升伏匹卡路盒瓶包袋杯节页遍"
"""What stands between a Chinese number and what is counted, units among them."""
_YEAR = r"(?<![\d.,])(?:1\d{3}|20\d\d)(?![\d,]|\.\d)"
_PHONE = r"(?<![\d.])(?:\+|\(0)?\d(?:[ ()/-]{0,2}\d){5,14}(?![\d.])"
_EXTENSION = (
    # A few digits are a number to dial where a line, or the head of its table, says so.
    r"(?:电话|分机|热线|座机|总机|号码|内线|手机|传真|拨打?|\b(?:phone|tel|ext|extension|dial|call|hotline"
    r"|mobile|fax)\b)[\s\S]{0,300}?(?<![\d.,])\d{3,5}(?![\d.,%]|\s?[年月日元人米平])"
)
_MONTH = r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6}\b"


def _either(*parts: str) -> str:
    return "|".join(parts)


def _measures(english: str, chinese: str) -> str:
    """Return the pattern of a number with one of these units behind it."""
    return rf"{NUMBER}[万亿]?[\s-]{{0,2}}(?:(?:\w{{1,20}} )?(?:{english})\b|{chinese})"


@dataclass(frozen=True, slots=True)
class AnswerType:
    """A kind of answer."""

    name: str
    asked: str
    """Pattern that finds the question for it, in any case."""
    held: str
    """Pattern that finds an answer in a text."""


ANSWER_TYPES: Final = (
    AnswerType(
        "email",
        _either(
            r"\be-?mail address|\bwhat(?:'s| is| are)\b.{0,60}\be-?mails?\b|\be-?mail\W*$",
            r"(?:邮箱|邮件|邮箱地址|邮件地址)(?:地址)?(?:是|为|有|叫|多少|呢|\W*$)",
        ),
        r"[\w.+-]{1,60}@[\w-]{1,60}\.\w",
    ),
    AnswerType(
        "website",
        _either(
            r"\b(?:what|which|where)\b.{0,60}\b(?:website|web ?page|url)\b|\bwebsite\W*$",
            r"网址|(?:网站|官网)(?:地址)?(?:是|为|有|叫|呢|\W*$)",
        ),
        r"https?:|www\.|[\w-]{1,60}\.(?:com|org|net|cn|gov|edu|io|de|uk|ch|eu)\b",
    ),
    AnswerType(
        "phone",
        _either(
            r"\b(?:tele)?phone(?: number)?\W*$|\b(?:phone|fax|contact|mobile) number",
            r"\b(?:what|which) (?:is the )?(?:number|hotline)\b.{0,20}\bcall",
            r"\bwhat.{0,40}\bhotline\b",
            r"\b(?:what|which)\b.{0,40}\bextension\b(?! (?:of|for) (?:the )?(?:file|files)\b)",
            r"(?:电话|手机|热线|传真|分机|座机|内线)(?:号码?)?(?:是|为|有|多少|几|呢|\W*$)",
        ),
        _either(_PHONE, _EXTENSION),
    ),
    AnswerType(
        "contact",
        _either(
            r"\bwho(?:m)?\b.{0,30}\b(?:ask|call|contact|phone|turn to|report|speak to|write to)\b",
            r"\bhow (?:can|do|could) (?:i|we|one) (?:contact|reach)\b|\bcontact (?:person|details)",
            r"找谁|问谁|联系谁|联系人|找哪[位个]|谁负责|(?:怎么|如何|怎样)联系|联系方式|向谁|跟谁",
        ),
        _either(
            _PHONE,
            r"联系人|负责人|联系|电话|咨询|拨打|\b(?:contact|call|phone|tel)\b|[\w.+-]{1,60}@",
        ),
    ),
    AnswerType(
        "colour",
        _either(r"\b(?:what|which) colou?rs?\b|\bcolou?r of\b", r"什么颜色|哪种颜色|颜色[是为]"),
        _either(
            r"\b(?:black|white|gr[ae]y|red|blue|green|yellow|brown|orange|purple|pink|beige|gold(?:en)?"
            r"|silver(?:y)?|violet|turquoise|cream|ivory|scarlet|crimson|navy|colou?rless)\b",
            r"[黑白灰红蓝绿黄棕橙紫粉金银青褐米]色|颜色[:：]|无色|透明",
        ),
    ),
    AnswerType(
        "code",
        _either(
            r"\b(?:pin|password|passcode|(?:code|combination) (?:of|for|to) (?:the|my|our))\b",
            r"\b(?:policy|account|room|seat|serial|member(?:ship)?|licen[cs]e|ticket) number\b",
            r"\bnumber of (?:the|my|our) (?:\w+ )?(?:policy|account|room|seat|ticket|card)\b",
            r"密码|口令|编号|序列号|账号|帐号|房间?号|座位号|单号|车牌|证号|卡号",
        ),
        _either(
            r"(?<![\d:：.])(?!(?:1[89]|20)\d\d(?!\d))[A-Z]{0,4}-?\d{3,}"
            r"(?![\d:：]|[.,]\d|\s?[年月日元%])",
            r"\b(?:password|passcode|code|pin|number|no\.?)\b[\s:]{1,3}(?:is )?\S*\d",
            r"(?:密码|口令|[编账帐房座单证卡]号|序列号|车牌)[^，。；\n]{0,4}[:：是为]\s*\S",
        ),
    ),
    AnswerType(
        "energy",
        _either(r"\bcalor(?:ies|ific)\b|\bkcal\b", r"热量|多少(?:千卡|大卡|卡路里|卡)"),
        _either(
            _measures("k?cal|calories?|kilocalories?|k?j|joules?", "千卡|大卡|卡路里|卡|千焦|焦"),
        ),
    ),
    AnswerType(
        "power",
        _either(
            r"\bwattage\b|\bhow many (?:watts|kilowatts|horsepower)\b|\bpower consumption\b",
            r"功率|多少瓦|几瓦|几匹|多少匹",
        ),
        _either(_measures("[kmg]?w|watts?|kilowatts?|hp|horsepower", "千?瓦|匹|马力|[kK]?W")),
    ),
    AnswerType(
        "loudness",
        _either(
            r"\bhow (?:loud|noisy|quiet)\b|\bnoise level\b",
            r"噪[音声][^，。？]{0,3}多[大少]|多少分贝",
        ),
        _either(_measures("db(?:\\(a\\))?|decibels?", "分贝|dB")),
    ),
    AnswerType(
        "substitute",
        _either(r"\binstead of\b|\bsubstitutes? for\b|\bin place of\b", r"代替|替代|替换"),
        _either(
            r"\b(?:instead|substitut\w+|replac\w+|alternativ\w+|rather than|in place of)\b",
            r"代替|替代|替换|改用|也可以?用|换成",
        ),
    ),
    AnswerType(
        "address",
        _either(
            r"\b(?<!mail )(?<!ip )address (?:of|for)\b|['’]s (?:postal |home )?address\b",
            r"\bwhere (?:do|does) \S.{0,30}\blive\W*$",
            r"地址[是在为]|的地址|住在?(?:哪里|哪儿|哪|什么地方)",
        ),
        _either(
            r"\b(?:street|road|avenue|lane|square|drive|crescent|terrace|st\.|rd\.)",
            r"\b(?:lives|living|lived|resid\w+|home|moved|settled)\b|\baddress\W{1,3}\w+ \w+",
            rf"[{CJK}](?:路|街|巷|弄|道|村|区|镇|市|县|幢|号楼)|地址[:：]|住宿|住[在到]?[{CJK}]{{2}}|居住|住所|住址|家在|搬到",
        ),
    ),
    AnswerType(
        "percent",
        _either(
            r"\b(?:what|which|how much) (?:percent|share|proportion|fraction)",
            r"百分之(?:几|多少)|占[^，。？]{0,12}(?:多少|几)|[几多]少?成|比例|百分比",
        ),
        _either(
            rf"{NUMBER}\s?(?:[%％]|percent|per cent|成)",
            r"百分之|[二三四五六七八九]分之|\b(?:half|third|quarter)s?\b",
        ),
    ),
    AnswerType(
        "money",
        _either(
            r"\bhow much\b.{0,40}\b(?:cost|pay|paid|price|charge|worth|spen[dt]|earn|fee|fine)",
            r"\b(?:price|cost|salary|budget|revenue|fee|fine)\b",
            r"多少钱|(?:价格|费用|成本|票价|工资|收入|罚款|预算)[^，。？]{0,6}(?:多少|几|是)",
            r"多少[万亿]?(?:元|美元|欧元|英镑)",
        ),
        _either(
            r"[$€£¥￥]\s?\d|\d\s?[%％][^，。\n]{0,8}[费价款金]",
            r"\d\s?% (?:of|fee|surcharge|deposit|interest)",
            _measures(
                "dollars?|euros?|pounds?|yuan|yen|cents?|usd|eur|rmb|cny",
                "[万亿]?(?:元|块|美元|欧元|英镑|日元|港币|人民币)",
            ),
        ),
    ),
    AnswerType(
        "temperature",
        _either(r"\bhow (?:hot|cold|warm)\b|\btemperature\b", r"多少度|几度|温度|多[热冷烫]"),
        _either(rf"{NUMBER}\s?(?:°|℃|℉|度|摄氏|degrees?|kelvin|K\b)"),
    ),
    AnswerType(
        "weight",
        _either(
            r"\bhow heavy\b|\b(?:weight|mass|weigh)\b",
            r"多重|重量|多少(?:公斤|千克|克|吨|斤)",
        ),
        _either(
            _measures(
                "[kmµ]?g|lbs?|oz|tons?|tonnes?|(?:kilo)?grams?|pounds?|ounces?",
                "公斤|千克|毫克|克|吨|斤|磅",
            )
        ),
    ),
    AnswerType(
        "speed",
        _either(r"\bhow fast\b|\bspeed\b", r"多快|速度|时速"),
        _either(
            _measures(
                "mph|km/?h|kph|m/s|knots?|(?:kilomet(?:er|re)s?|miles?) (?:per|an)|[kmg]?bit/s",
                "(?:公里|千米|米|英里)(?:每|/)|节|马赫",
            ),
            r"每(?:小时|秒)",
        ),
    ),
    AnswerType(
        "length",
        _either(
            r"\bhow (?:high|tall|wide|deep|far|big|large)\b",
            r"\b(?:height|distance|width|depth|altitude|area|diameter)\b",
            r"多[高宽深远大厚](?!年[纪龄]|岁|才?可以|才?能)|多少(?:米|公里|千米|英里|厘米|平方)",
            r"高度|距离|宽度|深度|面积|长度|海拔|直径",
        ),
        _either(
            _measures(
                "(?:[mck]?m|ft|feet|foot|in|inch(?:es)?|miles?|yards?|(?:kilo)?met(?:er|re)s?)"
                "(?! ?/| per| an hour)|[mck]?m[²2]|acres?|hectares?|square|[kmgt]i?b|bytes?",
                "毫米|厘米|公里|千米|英里|英尺|海里|米|平方|公顷|亩|字节|[KMGT]i?B",
            )
        ),
    ),
    AnswerType(
        "frequency",
        _either(
            r"\bhow (?:often|frequently)\b",
            r"频率|每[年月周天日]几次|(?:多久|多长时间)[^，。？]{0,6}一次",
        ),
        _either(
            r"\b(?:every|each|per|daily|weekly|monthly|yearly|annual(?:ly)?|once|twice|times a)\b",
            "每|一次",
        ),
    ),
    AnswerType(
        "age",
        _either(r"\bhow old\b|\bwhat age\b", r"多大(?:年[纪龄]|岁|才?可以|才?能)|年龄|[几多少]+岁"),
        _either(
            _measures("years?|months?|weeks?", "周?岁|周年|年"),
            r"\b(?:aged?|over|under|least|born|founded|built)\b.{0,20}\d|出生|生于|生日|成立|建于",
        ),
    ),
    AnswerType(
        "duration",
        _either(
            r"\bhow long\b|\bhow many (?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)\b",
            r"多久|多长时间|多少[年天周日]|几[年天周]|几个(?:月|小时|星期)|多少(?:小时|分钟|秒|个月)",
            r"期限|有效期|保质期|时长|期是?多长",
        ),
        _either(
            _measures(
                "years?|months?|weeks?|days?|hours?|minutes?|seconds?|hrs?|mins?|decades?"
                "|centur(?:y|ies)|m?s",
                "年|个?月|周|星期|天|个?(?:工作)?日|个?小时|分钟|秒|个?世纪|个?学期",
            )
        ),
    ),
    AnswerType(
        "clock",
        _either(r"\bwhat time\b|\bopening (?:hours|times)\b", r"几点|几时|营业时间|开放时间"),
        _either(
            r"\b\d{1,2}[:：.]\d\d\b|\d[:：]\d\d|\b\d{1,2}\s?(?:[ap]\.?m\b|o['’]?clock)",
            r"\b(?:noon|midnight|midday|sunrise|sunset|dusk|dawn)\b|中午|正午|午夜|凌晨|日出|日落",
            r"[\d一二三四五六七八九十]\s?[点时]",
        ),
    ),
    AnswerType(
        "date",
        _either(
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b",
            r"何时|什么时[候间]|哪一?[年天日月]|几[月日号点]|[哪第]几年|年份|日期|时间是",
            r"哪个(?:世纪|年代)",
        ),
        _either(
            _YEAR,
            _MONTH,
            r"\b\d{3,4}s?\b (?:AD|BC|CE|BCE)|\d{1,2}:\d\d|\bcentury\b|世纪|年代",
            r"\d+\s?[年月日号点]|[〇一二三四五六七八九十]+[年月日号点]|星期|周[一二三四五六日]",
        ),
    ),
    AnswerType(
        "count",
        _either(
            r"\bhow many\b|\bhow much\b|\bhow old\b",
            r"\bwhat (?:is the |was the )?(?:number|population|score|total)\b",
            rf"多少|几[{CLASSIFIERS}]|第几|数量|人口|总数|多大年纪|几岁|比分",
        ),
        _either(NUMBER),
    ),
    AnswerType(
        "person",
        _either(
            r"\bwho(?:se|m)?\b|\bname of the (?:person|man|woman|author|actor)",
            r"\bwhich (?:person|man|woman|author|king|president|player|scientist|actor|singer)",
            r"谁|哪位|什么人|何人|哪[个名]人",
        ),
        _either(
            r"(?-i:[A-Z][a-z]+)",
            rf"[{CJK}A-Za-z]·|由[{CJK}]",
            rf"[{CJK}]{{1,4}}(?:先生|女士|教授|博士|皇帝|国王|总统|将军|主席)",
        ),
    ),
    AnswerType(
        "place",
        _either(
            r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|region|continent)\b",
            r"\b(?:what|which) (?:county|island|street|river|location|directory|folder|file)\b",
            r"哪里|在哪|哪儿|何处|什么地方|位于|哪座",
            r"哪个?(?:国家?|城市|省|州|地区|洲|目录|文件|地方|市|县|国)",
        ),
        _either(
            r"\b(?:in|at|on|from|near|to|of) (?:the )?(?-i:[A-Z])",
            rf"(?:^|[\s“\"'`（({CJK}])[~/][\w./-]+|https?:|www\.|[\w-]{{1,60}}\.(?:org|com|net)\b",
            rf"[{CJK}](?:省|市|县|州|国|镇|区|村|路|街|岛|山|河|洲|大学|公园)|[东西南北]部|位于",
        ),
    ),
    AnswerType(
        "option",
        _either(r"\b(?:option|flag|switch)(?:es|s)?\b", r"选项|开关"),
        _either(rf"(?:^|[\s“\"'(（，、：:{CJK}])-{{1,2}}[A-Za-z]"),
    ),
    AnswerType(
        "command",
        _either(
            r"\bhow (?:do|can|could|to|should|would|does one)\b",
            r"\b(?:what|which) (?:command|method|function|class|setting|key|exception|module)\b",
            r"怎[么样]|如何|哪[个条]?(?:命令|参数|函数|方法|按键|快捷键)|命令是|什么命令|有什么用",
        ),
        _either(
            r"(?:^|[\s“\"'(（，、：])-{1,2}[A-Za-z]|```|\w\(\)|~/|\b[a-z]{1,30}=",
            r"(?-i:\b[a-z]{1,30}(?:[-_.][a-z]{1,30}){1,4}\b)",
            r"\b(?:git|apt|apt-get|dpkg|sudo|pip|python|systemctl|ssh|docker|npm)\s+[a-z-]",
            r"(?:Ctrl|Alt|Cmd|Shift)[-+]|\^[A-Z]\b|[a-z]/[a-z]",
        ),
    ),
    AnswerType(
        "reason",
        _either(
            r"\bwhy\b|\bwhat (?:caused|causes|reason)|\breason for", r"为什么|为何|原因|怎么会"
        ),
        _either(
            r"\b(?:because|since|due to|owing to|as a result|so that|in order to|caused by)\b",
            r"\breason\b|因为|由于|因此|所以|为了|原因|以便|使得|导致|从而|缘故",
        ),
    ),
    AnswerType(
        "definition",
        _either(
            r"^\s*what(?:'s| is| are| does)\b.{0,50}(?:mean|do|stand for|)\W*$",
            r"\bdefine\b|\bdefinition of",
            r"什么是|是什么|什么意思|定义|指的是|叫什么|叫做什么",
        ),
        _either(
            r"\b(?:is|are|means|refers to|denotes|called|known as|stands for|defined as)\b",
            r"是|指|称为|叫做|即|表示|意为|又称",
        ),
    ),
)
"""Those that say more come first: "how many years" asks for a duration, not for any count."""
