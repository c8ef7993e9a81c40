"""Chinese numerals become digits: 二十五, 百分之十五, 一米七五, 八折."""

import re

from ingest.text.numerals import (
    NUMERAL,
    NUMERAL_CHARACTERS,
    UNITS,
    parse_numeral,
)

WEAK = "\ue000"
"""Stands before the digits of a word that is often no number: "one of them", "at first", 一个. Such
a number need not be in the passage; that another one is in its place is still an error."""

# 一 before these counts something; before others (一个, 一些, 一种) it is an article.
_COUNTED_ONE = re.compile(
    r"(?:年(?!级)|个月|月|日|天|周|小时|分钟|秒|公里|千米|米(?!色)|倍|次(?!性)|岁|元|届|世纪|名|级|层|楼|章|条"
    r"|胎|任|国|省|百|千|万|亿|半)"
)
_COUNTED = re.compile(
    r"(?:个|年|月|日|天|周|星期|小时|时|分钟|分|秒|点|岁|名|人|位|倍|次|种|条|项|元|块|角|米|公里|千米|厘米"
    r"|毫米|里|英|克|千克|公斤|斤|吨|升|毫升|度|层|座|家|所|支|队|场|届|章|节|级|代|世纪|万|亿|百|千|号|口"
    r"|只|头|匹|辆|架|艘|台|部|本|页|篇|段|句|字|大|国|省|市|县|州|区|岛|洲|类|组|批|期|份|票|成|楼|室|间"
    r"|套|件|把|张|片|颗|枚|轮|回|遍|趟|处|阶|行|列|步|笔|户|村|镇|门|科|党|战|军|师|团|营|连|女|男|孩|员"
    r"|盘|局|球|胜|负|比|杯|碗|瓶|袋|箱|半|十|周年|季|刻|重|维|元|极|万|任|子|方|摄|华|海|平|立|加|英|美|幅|勺|尊|栋|幢|盏|盒|桶|罐|碟)"
)
_NUMERALS = re.compile(rf"(?<![{''.join(sorted(NUMERAL_CHARACTERS))}])(?P<numeral>{NUMERAL})")
_COUNTED_BEFORE = re.compile(
    r"(?:第|分之|星期|礼拜|周|零下|负|上午|下午|晚上|凌晨|早上|中午|傍晚|晚间|清晨|午后|[点时月]|约|近|达|共有?|为)$"
)
_MAY_BE_NUMERAL = re.compile(
    r"翻番|翻倍|\d[米块折]|打对折|公元前|[上本]世纪|俩|仨|(?<!\d)前\d{3}年|[〇零一二两三四五六七八九十壹贰叁肆伍陆柒捌玖拾半]|百分之百"
)

_UNIT_AND_A_HALF_ZH = re.compile(
    r"(?<=\d)(?P<unit>年|天|周|岁|倍|公里|千米|里|米|公斤|千克|斤|吨|升|亩|尺|度)半(?![年天月夜边])"
)
_DIGITS_ZH = dict(zip("零一二三四五六七八九两", (*range(10), 2), strict=True)) | {
    str(digit): digit for digit in range(10)
}
_DIGIT_ZH = "[零一二三四五六七八九\\d]"
_HEIGHT_ZH = re.compile(
    rf"(?P<metres>[一二两三四五六七八九1-9])米(?P<tenths>{_DIGIT_ZH})(?P<rest>{_DIGIT_ZH}?)(?![\d十百千万米厘点.元块角毛美英])"
)
_DISCOUNT_ZH = re.compile(
    r"(?:(?<=[打享按])|(?<![\d.一二三四五六七八九十百第])(?=[五六七八九5-9]\.?[一二三四五六七八九1-9]?折"
    r"(?:优惠|起|购|价|出售|销售|券|卡|后|的|[，。；、！？）,.;!?)\s]|$)))"
    r"(?P<tenths>[一二三四五六七八九1-9])\.?(?P<rest>[一二三四五六七八九1-9]?)折(?![叠扣旧])"
)
_BEFORE_CHRIST_ZH = re.compile(
    r"(?:[公西纪]元前|(?<![\d的以之年月日天目提此先生空往从向眼当])前(?=\d{3}年))(?P<year>\d{1,4})(?=年)"
)
_YUAN_AND_TENTHS = re.compile(
    r"(?<=\d)块(?P<tenths>[一二三四五六七八九1-9])(?=[毛角钱]|一[斤张个只本碗份瓶杯]"
    # Of 一块2TB硬盘 and 两块4K显示器 the figure is what is counted.
    r"|(?!\s?[A-Za-z.])[^一-鿿\d]|$)[毛角]?"
)
_PHRASES_ZH: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"翻了?[一1]番|翻番|翻了?[一1]?倍"), "增加1倍"),
    (re.compile(r"翻了?[两二2]番"), "增加3倍"),
    (re.compile(r"翻了?[三3]番"), "增加7倍"),
    (re.compile(r"(?<=[点时])一刻"), "1刻"),
    (re.compile(r"(?<![点时\d])[一1]刻钟"), "15分钟"),
    (re.compile(r"(?<![点时\d])[两二2]刻钟"), "30分钟"),
    (re.compile(r"(?<![点时\d])[三3]刻钟"), "45分钟"),
    # Whoever writes so, writes in the 21st.
    (re.compile(r"上个?世纪"), "20世纪"),
    (re.compile(r"本世纪"), "21世纪"),
    (re.compile(r"(?<=[们咱妻弟妹子女])俩人?"), "两人"),
    (re.compile(r"(?<=[们咱弟妹])仨人?"), "三人"),
    (re.compile(r"打对折"), "打五折"),
    (re.compile(r"(?:一|(?<!\d)1)个半(?=小时|钟头|月|世纪)"), "1.5个"),
)
_IN_PHRASES_ZH = re.compile("[翻刻纪俩仨折半]")


def digits_for_numerals(text: str) -> str:
    """Return the text with the numbers that it writes in Chinese numerals in digits."""
    if not _MAY_BE_NUMERAL.search(text):
        return text
    text = text.replace("百分之百", "100%")
    # To look for an ideograph that it has takes a twentieth of the time that a pattern takes.
    if _IN_PHRASES_ZH.search(text):
        for pattern, digits in _PHRASES_ZH:
            text = pattern.sub(digits, text)
    if "米" in text:
        text = _HEIGHT_ZH.sub(_height, text)
    if "折" in text:
        text = _DISCOUNT_ZH.sub(_discount, text)
    text = re.sub(r"(?<!\d)一半", "50%", text)
    if "零" in text:
        text = re.sub(r"(?<=[年时])零(?=[一两二三四五六七八九十\d]{1,2}(?:个?月|分))", "", text)
    text = _NUMERALS.sub(_numeral, text)
    if "半" in text:
        text = re.sub(r"(?<=[\d])[ ]?半(?=年|个?小时|个?月|天)", ".5", text)
        text = re.sub(r"(?<=\d)个半(?=小时|钟头|月|世纪)", ".5个", text)
        text = _UNIT_AND_A_HALF_ZH.sub(r".5\g<unit>", text)
    if "前" in text:
        text = _BEFORE_CHRIST_ZH.sub(r"\g<year>BC", text)
    if "块" in text:
        text = _YUAN_AND_TENTHS.sub(lambda found: f".{_DIGITS_ZH[found['tenths']]}块", text)
    return re.sub(r"半(?=个?小时|年(?!代))", "0.5", text) if "半" in text else text


def _height(found: re.Match[str]) -> str:
    """Return 1.75米 for 一米七五."""
    digits = [str(_DIGITS_ZH[character]) for character in found["tenths"] + found["rest"]]
    return f"{_DIGITS_ZH[found['metres']]}.{''.join(digits)}米"


def _discount(found: re.Match[str]) -> str:
    """Return 80% for the 八折 of 打八折."""
    rest = _DIGITS_ZH[found["rest"]] if found["rest"] else 0
    return f"{_DIGITS_ZH[found['tenths']] * 10 + rest}%"


def _numeral(found: re.Match[str]) -> str:
    text, numeral = found.string, found["numeral"]
    digits = parse_numeral(numeral)
    if digits is None:
        return numeral
    after = text[found.end() : found.end() + 3]
    before = text[max(0, found.start() - 3) : found.start()]
    if after[:1].isdigit() and before.endswith(("周", "星期", "礼拜")):
        return f"{digits} "  # 周五9:00 is no 59:00
    marked = bool(_COUNTED_BEFORE.search(before))
    if len(numeral) == 1:
        if numeral == "十" and re.match(r"分(?!钟|之)", after):
            return numeral  # 十分 is "very"
        if numeral == "零" and after.startswith("下"):
            return numeral  # 零下 is a sign
        if numeral == "一" and not before.endswith(("第", "分之", "星期", "周")):
            if _COUNTED_ONE.match(after):
                return "1"
            return f"{WEAK}1" if _COUNTED.match(after) else numeral
        return digits if marked or _COUNTED.match(after) else numeral
    spelled_out = UNITS.isdisjoint(numeral)
    # 三四 is "three or four", 二〇二四 is a year.
    if spelled_out and len(numeral) < 3 and not marked:
        return numeral
    return digits
