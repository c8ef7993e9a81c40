"""Questions of tables: each cell of a row that has a name is asked for by name and head."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from finetune.synthesize import rules_en, rules_zh
from finetune.synthesize.drafts import CJK_LETTER, QUESTION_MARKS, QuestionDraft, SourceText
from ingest.text.language import language_of

LONGEST_CELL = 80
"""Characters of a cell that is asked for."""

MOST_OF_COLUMN = 12
"""Cells of a column of one table that are asked for. A list of 300 packages with their sizes would
be all that a model learns of its manual."""

_NOT = ("un", "non-", "non", "not ", "no ", "不", "非", "不可", "无")
_INDEX = re.compile(r"(?:序号|编号|#|No\.?|ID|Nr\.?)$", re.IGNORECASE)
_NO_SUBJECT = re.compile(
    r"^[\W\d_]*$|^(?:/ |除了|[{<\[+&])|\.\.\."
    r"|^\(?(?:none|n/a|not (?:applicable|available|set|used)|all|any|others?|unknown|empty|blank"
    r"|(?-i:[Yy]es|[Nn]o)|true|false|total|sum|无|没有|空|不适用|全部|所有|任意|其[他它]|未知|是|否|合计|总计|小计)\)?$",
    re.IGNORECASE,
)
"""A first cell that names no row: signs alone, "none", a sum, or what was cut. {param} stands
for what somebody puts there; "+F1" has lost the key before it, "/ sort" the bar that some
converters write so."""
_NO_VALUE = re.compile(
    r"(?:[\W_]*|无|否|是|有|yes|no|none|n/a|同[上下左右前]|[见如][上下]|ditto"
    r"|(?:the )?same(?: as (?:above|before))?|see (?:above|below))$",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:回答|答案|答复|解答|回复|answers?|repl(?:y|ies)|responses?)$", re.IGNORECASE
)
"""Columns that answer a first cell that is a question."""
_ATTRIBUTES = re.compile(
    r"(?:参数|属性|特性|特征|指标|规格|性能|配置)(?:名称?|项目?)?$|(?:propert(?:y|ies)|features?"
    r"|attributes?|spec(?:ification)?s?|parameters?|characteristics?|metrics?)$",
    re.IGNORECASE,
)
"""Heads of a first column that names values; the other heads then name whose they are."""
_ENTRIES = re.compile(r"(?:项目|事项)$")
"""May do so where several heads stand beside it: 项目 | 普通会员 | 金卡会员."""
_VALUE_HEAD = re.compile(
    r"[费价格额量数度间长期率态型别位点址话人门号称明求容准式法围级果因件途源本用值义认例限]$"
    r"|\b(?:meaning|defaults?|types?|units?|range|min(?:imum)?|max(?:imum)?|effect|explanation"
    r"|function|purpose|examples?|required|formats?|status|results?|settings?|prices?|costs?|fees?"
    r"|size|weight|names?|codes?|dates?|times?|numbers?|amounts?|limits?|length|width|height"
    r"|versions?|usage|use|targets?|scores?|changes?|definition|symbol|sources?|count)$",
    re.IGNORECASE,
)
"""Heads that name a value, whatever stands in the first column: Parameter | Default."""
_NOTE_COLUMNS = re.compile(
    r"(?:备注|注释?|示例|例子|举例|例如|图[片标示]?|notes?|remarks?|comments?|examples?|e\.g\.|pictures?|icons?)$"
    r"|(?:1[89]|20)\d\d年?$",
    re.IGNORECASE,
)
"""Columns whose cells say something that no question can be made for: of 2023, what was it?"""
_DESCRIPTION_COLUMN = re.compile("说明$")
"""Says something more about the row where other columns stand beside it."""
_NO_COLUMN = re.compile(
    r"(?<!目)的(?!士)|[了是我你它]|[:：，,。;；、=<>\[\]{}“”\"`]|\.$|\d\D+\d|[（(][^）)]*$"
    r"|(?<![-\w])(?:in|by|at|of|for|from|to|with|on)$"
)
"""In what is no name of a column, as "optional in", but a cell of a table without a head."""
_NO_CELL = re.compile(
    r"[:：](?!\d)|[;；`{}]|\.\.\.|…|[?？!！]$|^[(（]|^[-–—/]+$|[参详请]见|^见|参[考照阅](?!价)|\bsee\b|https?:"
    r"|\[[a-z\d*†‡]{1,2}\]$"
)
"""In a cell that points elsewhere, e.g. to a footnote, or holds several things or code."""
_NO_KEY = re.compile(r"\b(?:following|below)\b|以下|下列|^[^\w「“#]", re.IGNORECASE)
"""In the head of a first column that leads to its cells, and names none of them."""
_TYPE_HEAD = re.compile(r"(?:data ?)?types?$|(?:数据)?类型$", re.IGNORECASE)
_OF_PARAMETER = re.compile(r"defaults?\b|mandatory|required|默认|缺省|必[填需选]", re.IGNORECASE)
"""Heads of a first column, and of another one, of a table that describes one parameter."""
_NAVIGATION = frozenset(
    ("prev", "previous", "next", "up", "home", "上一页", "下一页", "上一级", "起始页")
)
"""Heads of links from a page to its neighbours."""
_KEY = re.compile(
    r"^(?:Shift|Ctrl|Control|Alt|Super|Cmd|⌘|Esc|Meta|Tab|Enter)\b|^(?:\^|[CM]-)\S$|^F\d{1,2}\b"
    r"|键$|\w ?\+ ?\w|^(?P<quote>['\"]).{1,8}(?P=quote)$|^[‘“].{1,8}[’”]$"
)
_PLAIN_WORD = re.compile(r"^(?:[a-z]+|[A-Z][a-z]+)$")
_NUMBERED = re.compile(
    r"\b(?:case|channel|class|field|function|group|item|level|line|mode|number|option|part|phase"
    r"|port|row|rule|slot|stage|step|strategy|type|value|version) \d+$",
    re.IGNORECASE,
)
"""Names that say little without their page: var, Basic, Strategy 12."""
_PLAIN_NAMES = re.compile(
    r"id|key|name|size|type|unit|code|mode|item|date|file|path|flag|port|host|user|year|city|day"
    r"|term|word|kind|step|time"
)
"""Heads of a column that are as short as units and keys."""
_SHORT_KEY = re.compile(r"[a-z][a-z,. ]{0,3}")
"""A unit or a key: mm, sda."""
_PROPER_NAME = re.compile(r"[A-Z][\w.'’-]*(?: (?:[A-Z][\w.'’-]*|de|van|von|of)){1,3}")
"""A name of somebody, or of a place: Ann Berg, Isle of Wight."""
_PATH = re.compile(r"(?=\S*[A-Za-z]\S*/\S*[A-Za-z])[!-~]+")
"""Words parted by strokes, as a name of a setting: no 180/200, and no 电话/传真."""


def ask_of_rows(pieces: Sequence[SourceText]) -> Iterator[QuestionDraft]:
    """Yield a question for each cell of a table whose row is named by its first cell."""
    rows = [
        (piece, head.split(" · "), cells.split(" · "))
        for piece in pieces
        if piece.unit.kind == "row"
        for head, parted, cells in [piece.unit.text.partition("\n")]
        if parted
    ]
    sizes = Counter((piece.unit.heading, *head) for piece, head, _ in rows)
    places = Counter[tuple[str, ...]]()
    for piece, head, cells in rows:
        table = (piece.unit.heading, *head)
        places[table] += 1
        if _is_row_of_values(head, [other for _, same, other in rows if same == head]):
            continue
        # An empty cell is left out of the text: which one, nobody can tell.
        # The head may stand once more among the rows of a long table.
        if len(head) != len(cells) or cells[0] == head[0]:
            continue
        first = 1 if _INDEX.match(head[0]) and len(head) > 2 else 0
        subject = cells[first].lstrip("•· ")
        named = sum(other[first : first + 1] == cells[first : first + 1] for _, _, other in rows)
        # "integer | 60" under "Type | Default" is of a parameter that is named above its table.
        is_of_other = _TYPE_HEAD.match(head[first]) and any(map(_OF_PARAMETER.match, head))
        leads = (
            is_of_other
            or _NO_KEY.search(head[first])
            or _NAVIGATION & {one.lower() for one in head}
        )
        if named > 1 or leads or len(subject) < 2 or _NO_SUBJECT.search(subject):
            continue
        # "WHITE | GREEN" over "RED | YELLOW" is a list in columns, and its first line no head.
        if all(cell.isupper() for cell in (*head, *cells)):
            continue
        columns = list(zip(head[first + 1 :], cells[first + 1 :], strict=True))
        if subject.endswith(QUESTION_MARKS):
            for column, value in columns:
                if _ANSWERS.match(column) and len(value) > 1:
                    yield piece.draft(subject, value, value, "faq")
        else:
            # Of a long column every so many cells, from its first to its last, and of each row
            # those of other columns.
            size, most = sizes[table], min(sizes[table], MOST_OF_COLUMN)
            counts = [(places[table] + at) * most // size for at in range(-1, len(columns))]
            is_asked = [one != before for before, one in itertools.pairwise(counts)]
            name = subject.rstrip(":： ")
            for at, draft in _ask_of_cells(piece, head[first], name, columns):
                yield replace(draft, is_spare=not is_asked[at])


def _is_row_of_values(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line of a table is one more row of it, and names no columns.

    So it is where a cell of it stands below itself again, or with figures or signs in it, as
    "Super+N", is built like those below it.
    """
    below = [cells for cells in rows if len(cells) == len(head) and cells[0] != head[0]]
    # Below "shareable | unshareable" are two lists, and no cell is one of the other.
    if any(f"{prefix}{head[0]}".lower() == name.lower() for prefix in _NOT for name in head):
        return True
    # A grid of people or places, whose first line is no head.
    cells = [cell for row in below for cell in row]
    named = sum(_PROPER_NAME.fullmatch(cell) is not None for cell in cells)
    if len(head) > 1 and all(map(_PROPER_NAME.fullmatch, head)) and 3 * named >= 2 * len(cells):
        return True
    # "mm" beside 毫米, "sda" beside "First disk": heads of one table are written alike.
    others = " ".join(head[1:])
    is_odd_one = others[:1].isupper() or CJK_LETTER.match(others)
    if is_odd_one and not _PLAIN_NAMES.fullmatch(head[0]) and _SHORT_KEY.fullmatch(head[0]):
        keys = sum(_SHORT_KEY.fullmatch(cells[0]) is not None for cells in below)
        if 2 * keys > len(below):
            return True
    return any(
        _is_one_more(name, [cells[column] for cells in below], key=head[0] if column else name)
        for column, name in enumerate(head)
    )


def _is_one_more(name: str, below: Sequence[str], *, key: str) -> bool:
    """Return whether what stands at the head of a column is built like the cells below it.

    `key` is the head of the first column.
    """
    # "debconf/priority" is one more of the paths below it, beside "priority" or at the head.
    if _PATH.fullmatch(name) and key in (name, *name.split("/")):
        paths = sum(_PATH.fullmatch(cell) is not None for cell in below)
        if 2 * paths > len(below):
            return True
    shape = _shape_of(name)
    alike = [_shape_of(cell) for cell in below].count(shape)
    # Years are heads of columns of figures.
    is_odd = "a" in shape and not shape.isalpha() and "/" not in shape
    return name in below or bool(is_odd and alike and ("+" in shape or 2 * alike > len(below)))


def _shape_of(cell: str) -> str:
    """Return "a+a" for "Super+N": what a cell is made of. Words of a text are one."""
    letters = re.sub(r"[^\W\d_]+(?:\s+[^\W\d_]+)*", "a", cell)
    return re.sub(r"\d+", "0", letters)


def _ask_of_cells(
    piece: SourceText,
    key: str,
    subject: str,
    columns: Sequence[tuple[str, str]],
) -> Iterator[tuple[int, QuestionDraft]]:
    """Yield a question for each cell of a row, with the place of its column.

    `key` is the head of the column that names the row.
    """
    for at, (written, value) in enumerate(columns):
        column = written.rstrip(":： ").strip('「」“”"')
        if (
            len(column) < 2
            or column.isdecimal()
            or _NO_VALUE.match(value)
            or len(value) > LONGEST_CELL
        ):
            continue
        is_note = _NOTE_COLUMNS.search(column) or _DESCRIPTION_COLUMN.search(column)
        if is_note and (len(columns) > 1 or not _DESCRIPTION_COLUMN.search(column)):
            continue
        # "Mercurial is Mercurial is written in Python" comes of a cell that is a sentence.
        if _NO_COLUMN.search(column) or _NO_CELL.search(value) or value.startswith(subject):
            continue
        language = language_of(f"{subject} {column}")
        rules = rules_zh if language == "zh" else rules_en
        names_values = _ATTRIBUTES.match(key) or (len(columns) > 1 and _ENTRIES.match(key))
        is_value = _VALUE_HEAD.search(column) or rules.is_plain_column(column)
        # Under "Property | Fig 60" the row is what is asked for, and the column whose it is.
        names = (column, subject) if names_values and not is_value else (subject, column)
        question, reply = rules.column_question(*names, value)
        # A value in the other language is that of half a translated page.
        if question and (language == "zh" or not CJK_LETTER.search(value)):
            draft = replace(piece, language=language).draft(question, reply, value, "row")
            # F4 and 回车键 do something else in another program.
            is_common = any(one.search(names[0]) for one in (_PLAIN_WORD, _KEY, _NUMBERED))
            yield at, replace(draft, names_page=is_common)
