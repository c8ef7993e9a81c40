"""The title of a page without the name of its site.

A page has its title in several places, and each may be wrong: <title> carries the site's name at
either end, og:title may be a slogan, an <h1> the site's logo. What two of them share is the title.
"""

import re
from collections.abc import Callable, Sequence

from ingest.extract.dom import letters_of

MIN_HEADING = 12  # bytes; a single <h1> that is shorter may be the name of the site
MIN_SHARE = 0.5  # of the letters of a title, in a heading that is it without the site
LIKE_SITE = 0.6  # share of pairs of letters of a heading that are in the site's name
MIN_KEYWORDS = 4  # parts of a title; "Site | Section | Heading" has three
MAX_TRIED = 40  # headings

# Between the title and the name of the site. A hyphen only between blanks: "Wi-Fi" is one word.
# An underscore only beside an ideograph or a blank: pg_stat_statements is one word.
TITLE_SEPARATOR = re.compile(
    r"\s+[|–—·»«›•-]\s+|\s+//\s+|\s*[|｜]\s*|\s+_\s+|(?<=[^\x00-\x7f])\s?_\s?|\s?_\s?(?=[^\x00-\x7f])"
)
# Chinese sites put "--社会--人民网" or "-新华网" behind a title, without blanks.
_CHINESE_SITE = re.compile(
    r"(?:-{1,2}[^-_\s]{1,8}){0,2}-{1,2}[^-_\s]{1,10}"
    r"(?:网|網|在线|新闻|日报|晚报|频道|论坛|博客|百科|传媒|资讯|商城|官网|社区|知乎|知道|豆瓣"
    r"|医院|大学|学院|政府|法院|京东|(?:[省市县区州]\S{0,8}|管理|监督|税务|气象|统计|邮政)[局厅]"
    r"|委员会|图书馆|博物馆|门户|网站|出版社|交易所|电视台|研究[院所])$"
)
_BOARD = re.compile(r"_[^_\s]{1,10}吧(?=_百度贴吧$)")
_CALLED = re.compile(r"(?:维基百科|維基百科|百度百科|萌娘百科|搜狗百科)\W")
"""Names with a motto: 维基百科，自由的百科全书."""
_ENCYCLOPEDIAS = frozenset({"百度百科", "维基百科", "搜狗百科", "快懂百科", "360百科", "wikipedia"})
"""Sites whose titles are one word and their name, which is as long."""


def choose_title(
    declared: Sequence[str],
    headings: Sequence[str],
    titled: Callable[[], list[str]],
    *,
    site: str,
    inner: Sequence[str] = (),
) -> str:
    """Return the title of a page, "" if it has none.

    Args:
        declared: What JSON-LD, og:title and <title> say, the most trusted first.
        headings: The <h1> of the page, in order.
        titled: Returns other headings, and elements whose class calls them a title.
        site: The name of the site, if the page says it.
        inner: Those of `headings` that stand in the page's <main> or <article>, where no logo is.
    """
    headings = list(dict.fromkeys(headings))[:MAX_TRIED]
    if not declared:
        return next(iter(headings or titled()), "")
    shared = _shared_title(declared, headings, site)
    if shared:  # the other headings are those of sections: not worth reading the page for
        return shared
    if len(inner) == 1 and _leads_title(inner[0], declared):
        return inner[0]
    # A heading, keywords, and the site: 泊位|船长|滞纳金_网易订阅.
    if len(headings) == 1 and _leads_title(headings[0], declared, parts=MIN_KEYWORDS):
        return headings[0]
    if shared := _shared_title(declared, [*headings, *titled()[:MAX_TRIED]], site):
        return shared
    if (
        len(headings) == 1
        and len(headings[0].encode()) >= MIN_HEADING
        and not _is_site_name(headings[0], declared, site)
    ):
        return headings[0]
    return strip_site(declared[0], site)


def strip_site(title: str, site: str) -> str:
    """Return `title` without the name of the site at its end, or known at its start."""
    title = _CHINESE_SITE.sub("", title) or title
    title = _BOARD.sub("", title) or title
    parts = [part for part in TITLE_SEPARATOR.split(title) if part]
    if len(parts) < 2:
        return title
    if letters_of(parts[0]) == letters_of(site):
        return title[title.index(parts[1]) :]
    # "Results 2023 - 2024" ends with a year, which is nobody's name.
    is_short = len(parts[-1]) * 2 < len(title) and not parts[-1].isdigit()
    is_short = is_short or letters_of(parts[-1]) in _ENCYCLOPEDIAS
    is_known = _CALLED.match(parts[-1].strip()) is not None
    if letters_of(parts[-1]) == letters_of(site) or is_short or is_known:
        return title[: [*TITLE_SEPARATOR.finditer(title)][-1].start()].rstrip()
    return title


def _shared_title(declared: Sequence[str], headings: Sequence[str], site: str) -> str:
    """Return the longest heading that is a declared title, or its greater part."""
    wholes = [letters_of(each) for each in declared]
    parts = [list(filter(None, map(letters_of, TITLE_SEPARATOR.split(each)))) for each in declared]
    best = ""
    for heading in headings:
        letters = letters_of(heading)
        if not letters or letters == letters_of(site):
            continue
        if letters in wholes:
            return heading
        # What the most trusted title leaves of another one is the name of the site.
        if not (letters in wholes[0] or wholes[0] in letters) and any(
            wholes[0] in whole and letters in whole for whole in wholes
        ):
            continue
        is_in = any(
            letters in whole
            and len(letters) >= MIN_SHARE * len(whole)
            # The last part of a title, and not its longest, names the site.
            and not (len(own) > 1 and letters == own[-1] and len(letters) < max(map(len, own)))
            for whole, own in zip(wholes, parts, strict=True)
        )
        if is_in and len(letters) > len(letters_of(best)):
            best = heading
    return best


def _leads_title(heading: str, declared: Sequence[str], *, parts: int = 2) -> bool:
    """Return whether a heading is the first of at least so many parts of a declared title.

    Behind it stand names of the site and of its sections.
    """
    letters = letters_of(heading)
    split_titles = (TITLE_SEPARATOR.split(title) for title in declared)
    return any(len(each) >= parts and letters_of(each[0]) == letters for each in split_titles)


def _is_site_name(heading: str, declared: Sequence[str], site: str) -> bool:
    """Return whether a heading that no declared title holds is the name of the site."""
    letters = letters_of(heading)
    if letters == letters_of(site):
        return True
    for title in declared:
        parts = [each for part in TITLE_SEPARATOR.split(title) if (each := letters_of(part))]
        # "Chinese Lyrics: A Song" beside og:title "A Song": what is before the song is the site.
        if letters_of(title).startswith(letters) and letters not in letters_of(declared[0]):
            return True
        if len(parts) > 1 and letters not in letters_of(title):
            first, last = parts[0], parts[-1]
            is_like_last = _pairs_share(letters, last) > max(
                LIKE_SITE, _pairs_share(letters, first)
            )
            holds_last_alone = last in letters and first not in letters
            if is_like_last or holds_last_alone:
                return True
    # Two places agree on another title, and share no word with the heading.
    agreed = len({letters_of(strip_site(title, site)) for title in declared}) < len(declared)
    words = set(heading.casefold().split())
    return agreed and len(words) > 1 and not words & set(" ".join(declared).casefold().split())


def _pairs_share(letters: str, other: str) -> float:
    """Return how many of the pairs of neighbouring letters in `letters` are in `other`, 0 to 1."""
    pairs = {letters[at : at + 2] for at in range(len(letters) - 1)}
    return sum(pair in other for pair in pairs) / max(len(pairs), 1)
