"""Sentences and cells that look like a form and are not read with certainty."""

import pytest

from tests.finetune.synthesize.test_questions import answers_of, drafts_of


def table(*rows: str) -> str:
    head, *cells = (f"| {row.replace(',', ' | ')} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0].split(",")) + "|", *cells, ""])


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        # A dot within a name ends no answer.
        ("The list of pumps is called pumps.list.", "What is the list of pumps called?", ""),
        ("The museum is open from 3 to 5 May.", "When is the museum open?", "from 3 to 5 May"),
        ("花园的温室别名绿苑。", "花园的温室别名什么？", "绿苑"),
        ("检测室用来检测农药残留。", "检测室用来做什么？", "检测农药残留"),
    ],
)
def test_an_answer_is_read_to_its_end(sentence: str, question: str, answer: str) -> None:
    assert answers_of(sentence)[question] == (answer or "pumps.list")


@pytest.mark.parametrize(
    "sentence",
    [
        # A value is nothing that is; an example does not say what something is.
        "The default of 7 is a fair choice between both of the ends.",
        "A delay of -1 is used to switch the lamp off.",
        "A bus ticket is an example of a paper that is worth money.",
        "The red pump is used as an example.",
        "The red pump is a similar pump for the second tank of the house.",
        "The red pumps are called Alma and they fill the second tank of the house.",
        "A brake level can be set in the range from 0 to 4.",
        "The short way is the typical one because most of the roads end there.",
        "Old hands are used to dealing with rain and with snow.",
        "The valve is opened by the call of the second pump.",
        "All new water is written by the counter(8) service into the book of the house.",
        # Parameters stand below the name of their function.
        "## Syntax\n\nCount is a number that tells how many of the pumps are meant.",
        "## 语法\n\n「数值」是指要检查的水泵。",
        "「Rate」是指每个周期的利率。",
        "「C」是一个决定形式的逻辑值。",
        # No subject of its own, two predicates, a second clause.
        "不能用水泵来完成，因为管道已经拆除了。",
        "选择用来分隔房间的屏风。",
        "定义用于花园的灌溉设置。",
        "将显示一个用于输入新值的面板。",
        "水泵接受由人送来的或包括在管道中的水和沙。",
        "要修改类别名称，请输入新的名称。",
        "要将角度限制为45度，请按住红键。",
        "水泵用于花园，而水塔被设计为供全城使用。",
        "计算结果是一个三行三列的数组，其中都是零。",
        "花园系统是指使用以下方法修建的所有小路：\n\n- 铺石板\n- 铺沙子",
        # A cell that lost its beginning, a head that is none, a description with a figure in it.
        table("快捷键,效果", "+F1,显示花园", "+F2,隐藏花园"),
        table(".* 在以下位置:,查找结果", "水泵,三台水泵", "水塔,两座水塔"),
        table("Tag,Description", "SHA,alias for SHA1", "MD,alias for MD5"),
        table("Model,35", "small,17", "large,19"),
        table("Prev,Next", "The pumps,The tanks", "The roads,The tower"),
        "pump.list\n: Ann Lind and Robert Haldane of Penmar",
        "Black\n: The pump cannot be used by anybody of the house.",
        table("Policy,Any mismatch", "strict,blocked", "secure,allowed"),
    ],
)
def test_what_is_not_certain_asks_nothing(sentence: str) -> None:
    assert answers_of(sentence) == {}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (table("Key,Value", "MAX_JOBS,8", "MIN_JOBS,2"), "What is the value of MAX_JOBS?"),
        (table("Property,Value", "Weight,20 kg", "Length,3 m"), "What is the weight?"),
        (table("数据类型,定义", "短整数,2 字节无符号整数"), "短整数的定义是什么？"),
        (table("Law,R name", "normal,norm", "even,unif"), "What is the R name of normal?"),
        (table("项目,「费用」", "洗车,30元"), "洗车的费用是多少？"),
    ],
)
def test_a_cell_is_asked_for_by_what_it_holds(text: str, question: str) -> None:
    assert question in answers_of(text, "row")


def test_a_maker_is_named_to_the_end() -> None:
    text = "The museum was built by the engineers of Haldane for the city council."
    assert answers_of(text) == {
        "Who was the museum built by?": "the engineers of Haldane for the city council"
    }


def test_somebody_may_be_of_a_system() -> None:
    text = "The old pump is maintained by the system administrator of the house."
    assert list(answers_of(text)) == ["Who is the old pump maintained by?"]


def test_a_key_is_asked_for_by_its_page() -> None:
    drafts = drafts_of(table("按键,动作", "F4,打开阀门", "水泵,关闭阀门"))
    assert [one.names_page for one in drafts] == [True, False]
