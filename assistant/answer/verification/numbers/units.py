"""Units of measure, in their spellings, with what they measure and their size."""

import re
from functools import cache
from typing import NamedTuple


class MeasureUnit(NamedTuple):
    """What a unit measures, and how many base units one of it is."""

    dimension: str
    factor: float


_TABLE: tuple[tuple[str, tuple[tuple[float, str], ...]], ...] = (
    (
        "length",  # metres
        (
            (1e-9, "nm nanometre nanometer 纳米"),
            (1e-6, "μm um micrometre micrometer micron 微米"),
            (1e-3, "mm millimetre millimeter 毫米"),
            (1e-2, "cm centimetre centimeter 厘米 公分"),
            (1, "m metre meter 米 公尺"),
            (1e3, "km kilometre kilometer 公里 千米"),
            (0.0254, "inch inches 英寸"),
            (0.3048, "ft foot feet 英尺"),
            (0.9144, "yd yard 码"),
            (1609.344, "mi mile 英里"),
            (1852, "nautical_mile nmi 海里"),
            (500, "里"),
            (9.4607e15, "light_year 光年"),
        ),
    ),
    (
        "area",  # square metres
        (
            (1, "m2 m^2 sqm square_metre square_meter 平方米 平米"),
            (1e6, "km2 km^2 square_kilometre square_kilometer 平方公里 平方千米"),
            (1e-4, "cm2 cm^2 square_centimetre square_centimeter 平方厘米"),
            (1e4, "ha hectare 公顷"),
            (4046.8564224, "acre 英亩"),
            (2000 / 3, "亩"),
            (0.09290304, "sqft square_foot square_feet 平方英尺"),
            (2589988.110336, "square_mile 平方英里"),
        ),
    ),
    (
        "volume",  # litres
        (
            (1e-3, "ml millilitre milliliter 毫升 cm3 cm^3 立方厘米"),
            (1e-2, "cl"),
            (1, "l litre liter 升 公升"),
            (1e3, "m3 m^3 cubic_metre cubic_meter 立方米"),
            (3.785411784, "gallon 加仑"),
            (0.473176473, "pint 品脱"),
            (0.2365882365, "cup"),
            (158.987294928, "barrel"),
        ),
    ),
    (
        "mass",  # grams
        (
            (1e-6, "μg ug microgram 微克"),
            (1e-3, "mg milligram 毫克"),
            (1, "g gram gramme 克"),
            (1e3, "kg kilo kilogram kilogramme 千克 公斤"),
            (500, "斤"),
            (50, "两重"),
            (1e6, "t tonne metric_ton 吨 公吨"),
            (907184.74, "ton"),
            (453.59237, "lb lbs pound 磅"),
            (28.349523125, "oz ounce 盎司"),
        ),
    ),
    (
        "time",  # seconds
        (
            (1e-9, "ns nanosecond 纳秒"),
            (1e-6, "μs us microsecond 微秒"),
            (1e-3, "ms millisecond 毫秒"),
            (1, "s sec second 秒 秒钟"),
            (60, "min minute 分钟 分"),
            (3600, "h hr hour 小时 个小时 钟头 个钟头"),
            (86400, "day 天 日"),
            (604800, "week 周 星期 个星期 礼拜 个礼拜"),
        ),
    ),
    (
        "months",
        (
            (1, "month 个月 月"),
            (3, "quarter 季度 个季度"),
            (12, "year yr 年 岁 周岁 周年 years_old year_old"),
            (1200, "century_long centuries 个世纪"),
            (120, "decade_long decades"),
        ),
    ),
    ("century", ((1, "century 世纪"),)),
    ("decade", ((1, "年代"),)),
    ("ratio", ((0.01, "% ％ percent per_cent pct percentage_point 个百分点 百分点"), (0.001, "‰"))),
    ("times", ((1, "倍 times fold"),)),
    ("celsius", ((1, "°c ℃ degrees_celsius degree_celsius degrees_centigrade 摄氏度"),)),
    ("fahrenheit", ((1, "°f ℉ degrees_fahrenheit degree_fahrenheit 华氏度"),)),
    ("degree", ((1, "° degree 度"),)),
    ("kelvin", ((1, "kelvin 开尔文"),)),
    (
        "speed",  # metres a second
        (
            (0.44704, "mph mile_per_hour miles_per_hour mile_an_hour miles_an_hour 英里每小时"),
            (
                1 / 3.6,
                "kph kmh km/h km_per_hour kilometre_per_hour kilometres_per_hour kilometer_per_hour"
                " kilometers_per_hour kilometres_an_hour kilometers_an_hour 公里/小时 公里/时"
                " 千米/小时 千米/时 公里每小时 千米每小时",
            ),
            (
                1,
                "m/s metre_per_second metres_per_second meter_per_second meters_per_second 米/秒"
                " 米每秒",
            ),
            (0.514444, "knot kn 节"),
        ),
    ),
    (
        "bytes",
        (
            (1, "byte 字节"),
            (1e3, "kb kilobyte"),
            (1e6, "mb megabyte 兆"),
            (1e9, "gb gigabyte"),
            (1e12, "tb terabyte"),
            (1e15, "pb petabyte"),
            (1024, "kib"),
            (1048576, "mib"),
            (1073741824, "gib"),
        ),
    ),
    (
        "bits a second",
        ((1, "bps"), (1e3, "kbps kbit/s"), (1e6, "mbps mbit/s"), (1e9, "gbps gbit/s")),
    ),
    ("bits", ((1, "bit 比特"), (1e3, "kbit"), (1e6, "mbit"), (1e9, "gbit"))),
    (
        "power",
        (
            (1e-3, "mw_"),
            (1, "w watt 瓦 瓦特"),
            (1e3, "kw kilowatt 千瓦"),
            (1e6, "megawatt 兆瓦"),
            (1e9, "gw gigawatt 吉瓦"),
            (745.7, "hp horsepower 马力"),
        ),
    ),
    (
        "energy",
        (
            (1, "j joule 焦 焦耳"),
            (1e3, "kj kilojoule 千焦"),
            (3.6e6, "kwh kilowatt_hour 千瓦时 度电"),
            (3.6e9, "mwh megawatt_hour"),
            (3.6e12, "gwh gigawatt_hour"),
            (3600, "wh"),
            (4.184, "cal calorie 卡"),
            (4184, "kcal kilocalorie 千卡 大卡"),
        ),
    ),
    ("volt", ((1e-3, "mv millivolt 毫伏"), (1, "v volt 伏 伏特"), (1e3, "kv kilovolt 千伏"))),
    ("ampere", ((1e-3, "ma milliamp 毫安"), (1, "amp ampere 安培"), (3.6, "mah 毫安时"))),
    (
        "frequency",
        (
            (1, "hz hertz 赫兹"),
            (1e3, "khz kilohertz 千赫"),
            (1e6, "mhz megahertz 兆赫"),
            (1e9, "ghz gigahertz 吉赫"),
        ),
    ),
    (
        "pressure",
        (
            (1, "pa pascal 帕"),
            (1e3, "kpa 千帕"),
            (1e6, "mpa 兆帕"),
            (1e5, "bar"),
            (6894.757, "psi"),
            (101325, "atm atmosphere 大气压"),
            (133.322, "mmhg 毫米汞柱"),
        ),
    ),
    ("decibel", ((1, "db decibel 分贝"),)),
    ("dollar", ((1, "$ us$ usd dollar us_dollar 美元 美金"), (0.01, "cent 美分"))),
    ("yuan", ((1, "元 rmb cny yuan 人民币 元人民币 块 块钱 圆"), (0.1, "角"))),
    ("yen", ((1, "jpy yen 日元 日圆 円"),)),
    ("¥", ((1, "¥ ￥"),)),
    ("euro", ((1, "€ eur euro 欧元"),)),
    ("sterling", ((1, "£ gbp 英镑"),)),
    ("hong kong dollar", ((1, "hk$ hkd 港元 港币"),)),
    ("rupee", ((1, "₹ inr rupee 卢比"),)),
    ("won", ((1, "₩ krw won 韩元"),)),
    ("franc", ((1, "chf franc 法郎"),)),
    ("rouble", ((1, "rub ruble rouble 卢布"),)),
)
UNITS = {
    spelling.replace("_", " "): MeasureUnit(dimension, factor)
    for dimension, sizes in _TABLE
    for factor, spellings in sizes
    for spelling in spellings.split()
}
_SAME_CASE = {"m", "g", "t", "s", "h", "l"}
_GENERIC = {
    "degree": {"celsius", "fahrenheit"},
    "¥": {"yuan", "yen"},
    "mass": {"sterling"},  # pounds
    "length": {"speed"},
}
_ADJECTIVE = r"(?:(?:statute|metric|US|imperial|short|long|full|calendar|Earth)[ -])?"


@cache
def _unit_behind_pattern() -> re.Pattern[str]:
    # When the first number is looked at: it takes 20 ms to compile.
    patterns = []
    for spelling in sorted(UNITS, key=len, reverse=True):
        escaped = re.escape(spelling).replace(r"\ ", "[ -]")
        if spelling == "分":
            patterns.append("分(?!之)")
        elif not spelling[0].isascii() or not spelling[-1].isalnum():
            patterns.append(escaped)
        elif len(spelling) < 3:
            patterns.append(rf"{escaped}(?![a-z0-9])")
        else:
            patterns.append(rf"{escaped}s?(?![a-z0-9])")
    spellings = "|".join(patterns)
    return re.compile(rf"(?P<gap>[ -]?){_ADJECTIVE}(?P<unit>{spellings})", re.IGNORECASE)


CURRENCY_BEFORE = re.compile(
    r"(?:US\$|HK\$|[A-Z]{1,2}\$|[$€£¥￥₹₩]|\b(?:RMB|USD|EUR|GBP|CNY|JPY))\s?$"
)


def unit_behind(text: str, start: int) -> tuple[MeasureUnit, int] | None:
    """Return the unit that begins at `start`, or after one space or hyphen, and where it ends."""
    found = _unit_behind_pattern().match(text, start)
    if found is None:
        return None
    spelling = found["unit"]
    key = spelling.casefold().replace("-", " ")
    # Upper case tells metres from millions, grams from the G of 5G, and so on.
    if key in _SAME_CASE and spelling != key and key != "l":
        return None
    unit = UNITS.get(key) or UNITS.get(key.removesuffix("s"))
    if unit is None:
        return None
    if key == "mw":
        unit = MeasureUnit("power", 1e6 if spelling[0] == "M" else 1e-3)
    return unit, found.end()


def currency_before(text: str, start: int) -> MeasureUnit | None:
    """Return the currency whose sign is before `start`."""
    found = CURRENCY_BEFORE.search(text, max(0, start - 5), start)
    if found is None:
        return None
    sign = found[0].strip().casefold()
    return UNITS.get(sign) or UNITS["$"]


def is_same_dimension(one: str, other: str) -> bool:
    """Return whether two dimensions may be one: equal, open, or one the general word for it."""
    if not one or not other or one == other:
        return True
    return other in _GENERIC.get(one, ()) or one in _GENERIC.get(other, ())
