"""Questions that rules make of a document, and none where a sentence leans on another."""

from datetime import UTC, datetime

import pytest

from finetune.synthesize.drafting import distinct_questions
from finetune.synthesize.drafts import LONGEST_QUESTION, LONGEST_REPLY, QuestionDraft
from finetune.synthesize.questions import draft_questions
from ingest.documents import Document
from ingest.text.language import language_of
from tests.finetune.synthesize.pages import CAMERA, DRONE, SHOP


def drafts_of(text: str) -> list[QuestionDraft]:
    fetched_at = datetime(2026, 1, 1, tzinfo=UTC)
    title = "手册" if language_of(text) == "zh" else "Manual"
    page = Document(url="file:///a.md", title=title, text=text, fetched_at=fetched_at)
    return list(draft_questions(page))


def answers_of(text: str, *kinds: str) -> dict[str, str]:
    return {one.question: one.answer for one in drafts_of(text) if one.kind in kinds or not kinds}


def test_a_chinese_figure_gives_way_to_the_question_for_it() -> None:
    assert answers_of(DRONE, "figure") == {
        "飞行高度不得超过多少米？": "120米",
        "电量低于百分之多少时应立即返航降落？": "15%",
        "电池充满需要多少分钟？": "90分钟",
    }


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("公司于2003年成立。", "公司于哪一年成立？", "2003年"),
        ("新馆在2019年5月正式对外开放。", "新馆在什么时候正式对外开放？", "2019年5月"),
        (
            "自从1973年以来，公司一直持有80.1%股权。",
            "自从1973年以来，公司一直持有百分之多少股权？",
            "80.1%",
        ),
        ("仓库共有 16,000 件藏品。", "仓库共有多少件藏品？", "16,000件"),
        ("快件应在三天内送达客户。", "快件应在多少天内送达客户？", "三天"),
        ("光合作用是指绿色植物利用光能制造有机物的过程。", "什么是光合作用？", ""),
    ],
)
def test_chinese_sentences_ask_in_place(sentence: str, question: str, answer: str) -> None:
    assert answers_of(sentence)[question] == (answer or sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "它的重量是1.2公斤。",
        "该产品的保修期为24个月。",
        "其中有120人来自外地。",
        "第3章介绍了安装方法和步骤。",
        "窄轨（1067毫米）由政府出资修建。",
        "人口从1990年到2000年增加了一倍。",
        "数百人参加了开幕式和晚会。",
        "他发表于1989年的《宣言》影响很大。",
        "由于公司是一家外企，所以节假日较多。",
        "2012年7月，二次转会期间，球队引进了前锋。",
        "有三种方法可以解决问题，都很简单。",
        "长10米、宽5米、高3米的水池已经建成。",
        "学生搬进了六到八人的宿舍。",
        "一台设备的成本是2000元到3000元不等。",
        "据不完全统计，仅2017年上半年，行业先后获得了融资。",
        "不久，他被交换去费城76人队效力。",
        "“部分充电宝8元每小时”的话题阅读量很大。",
        "某某股份：确认中标项目，中标额6962万元。",
        "制度更加成熟更加定型是一个动态过程。",
        "矩阵最多可以含有 128 x 128 个单元格。",
        "「价格」面额为 100 个货币单位的有价证券的实际价格。",
        "名义利率为 5.25%，且每季度支付，实际年利率为多少。",
    ],
)
def test_a_chinese_sentence_that_leans_on_others_asks_nothing(sentence: str) -> None:
    assert answers_of(sentence) == {}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("The tank can hold up to 20 litres.", "How many litres can the tank hold?", "20 litres"),
        (
            "Goods must be returned within 30 days of delivery.",
            "Within how many days must Goods be returned?",
            "30 days",
        ),
        (
            "The device weighs about 250 grams.",
            "How many grams does the device weigh?",
            "250 grams",
        ),
        ("The warranty period is 24 months.", "What is the warranty period?", "24 months"),
        ("The firm was founded in 1998 in Turku.", "When was the firm founded?", "1998"),
        ("A kelvin is a unit of temperature used in physics.", "What is a kelvin?", ""),
        ("Marie Curie was a physicist and chemist from Poland.", "Who was Marie Curie?", ""),
    ],
)
def test_english_sentences_ask_by_their_pattern(sentence: str, question: str, answer: str) -> None:
    assert answers_of(sentence)[question] == (answer or sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "It weighs 250 grams without its case.",
        "This tank can hold up to 20 litres.",
        "The one that he bought can hold 20 litres.",
        "Lindisfarne are a folk band from the north of England.",
        "The old gate was a good choice in the north.",
        "Packing requires 2 gigabytes of memory.",
        "What he said is a matter of taste, not of fact.",
        "However, the price is 30 dollars.",
        "Every convex hull is an alpha shape of a set of points.",
        "The function is an array formula.",
        "Setting names is an important feature of each document that people share.",
        "Put or Call is a string that defines the kind of the option.",
    ],
)
def test_an_english_sentence_that_fits_no_pattern_asks_nothing(sentence: str) -> None:
    assert answers_of(sentence) == {}


def test_tables_ask_for_each_cell_of_a_row_that_has_a_name() -> None:
    assert answers_of(SHOP, "row") == {
        "银卡的年消费额是多少？": "1000元",
        "银卡的折扣是什么？": "九五折",
        "金卡的年消费额是多少？": "5000元",
        "金卡的折扣是什么？": "九折",
    }
    assert answers_of(DRONE, "row") == {
        "最大起飞重量是多少？": "2.5公斤",
        "续航时间是多少？": "42分钟",
    }
    twice = "| Name | Price |\n| --- | --- |\n| Basic | $5 |\n| Basic | $7 |\n| Pro | $9 |\n"
    assert answers_of(twice, "row") == {"What is the price of Pro?": "$9"}


@pytest.mark.parametrize(
    ("table", "question"),
    [
        ("Property|Fig 60|Fig 80\nBattery life|5 h|8 h", "What is the battery life of Fig 80?"),
        ("参数|标准版|专业版\n最大起飞重量|2公斤|3公斤", "专业版的最大起飞重量是多少？"),
        ("项目|普通会员|金卡会员\n年费|100元|300元", "金卡会员的年费是多少？"),
        # What the other heads name are values here, whatever the first column is called.
        ("Parameter|Default\n--jobs|4", "What is the default of --jobs?"),
        ("项目|价格|时长\n洗车|30元|20分钟", "洗车的时长是多少？"),
        ("Program|Extensions\nWriter|.ott .otm", "What are the extensions of Writer?"),
        ("问题|回答\n几点开门？|九点开门。", "几点开门？"),
        ("问题|回答\n服务器名称|localhost", "服务器名称是什么？"),
    ],
)
def test_the_head_of_a_table_says_what_is_asked_of_what(table: str, question: str) -> None:
    head, row = table.split("\n")
    text = f"|{head}|\n|{' --- |' * len(head.split('|'))}\n|{row}|\n"
    assert question in answers_of(text)


def test_what_is_made_up_or_only_announced_is_not_asked_for() -> None:
    assert answers_of("## 示例\n\n年息票利率为 8%。\n\n## 语法\n\n这一节回顾了常用的指令。") == {}
    text = "## Common settings\n\nThis section describes a few of the settings in use.\n"
    assert answers_of(f"{text}\n## Example\n\nThe interest rate is 5 percent.\n") == {}


def test_what_one_page_answers_in_two_ways_is_not_asked() -> None:
    sentence = "「数值」是指要检查的{}。"
    drafts = drafts_of("\n\n".join(map(sentence.format, ["单元格", "表达式"])))
    assert [one.question for one in drafts] == ["什么是数值？"] * 2
    assert distinct_questions(drafts) == {}
    assert len(distinct_questions(drafts[:1])) == 1


def test_a_control_is_not_asked_for_and_a_deed_by_its_page() -> None:
    # What a box of a dialog does is said of it there, and of another of its name elsewhere.
    assert answers_of("## Start Value\n\nDetermines the first value of a series.\n") == {}
    assert answers_of("## Delete\n\nDeletes the scenario that was selected.\n") == {}
    (draft,) = drafts_of("## Creating a template\n\nOpen the manager and pick one.")
    assert (draft.question, draft.names_page) == ("How do I create a template?", True)


def test_a_section_answers_as_a_whole_or_not_at_all() -> None:
    text = "## Refunds\n\nRefunds are paid within seven days.\n\nThe card is credited."
    assert answers_of(text, "section") == {
        "What does “Manual” say about “Refunds”?": "Refunds are paid within seven days. "
        "The card is credited."
    }
    for rest in ("- by card\n- by cheque", "```\nrefund --all\n```"):
        assert answers_of(f"{text}\n\n{rest}\n", "section") == {}
    assert (
        answers_of("## 什么时候退款？\n\n收到退货后三天内退款。\n\n- 运费除外\n- 定制品除外", "faq")
        == {}
    )


@pytest.mark.parametrize(
    "table",
    [
        "| Method | S3Path |\n| --- | --- |\n| mkdir | ✅ |\n| copy | ❌ |\n",
        "| key | what it means |\n| --- | --- |\n| limit | Rows read at most. |\n",
        "| step | file |\n| --- | --- |\n| choose the parts | a.py |\n",
        "| 功能 | 是否支持 |\n| --- | --- |\n| 夜间模式 | 支持 |\n",
        "| WHITE | GREEN |\n| --- | --- |\n| RED | YELLOW |\n",
        "| Form | Result |\n| --- | --- |\n| 1st, 2nd, ... | ordinal |\n",
        "| Key | Meaning |\n| --- | --- |\n| psn | Ignored (macOS only) |\n",
        "| 键 | 含义 |\n| --- | --- |\n| 类型 | 返回单元格的类型 |\n",
        "| 参数 | 说明 |\n| --- | --- |\n| 模式 | 用来选择工作方式，可以随时切换。 |\n",
    ],
)
def test_cells_that_no_sentence_could_tell_are_not_asked_for(table: str) -> None:
    assert answers_of(table, "row") == {}


def test_half_a_heading_and_a_question_in_the_flow_ask_nothing() -> None:
    text = "## 已应用于多个场景\n\n目前，该芯片已应用于图像识别、搜索等多个场景之中。\n"
    text += "\n那么这个行业还有救吗？\n\n刘先生认为，短期内扩大市场占有率是主要的方向。\n"
    text += "\n## What decides\n\nNothing is requested before these have said yes.\n"
    assert answers_of(text, "section", "faq") == {}


def test_somebody_is_asked_for_as_a_person() -> None:
    assert list(answers_of("尼古拉·卡利尼奇是一名克罗地亚职业足球运动员，司职前锋。")) == [
        "尼古拉·卡利尼奇是谁？"
    ]


def test_a_sentence_behind_others_is_asked_with_the_name_of_its_page() -> None:
    first, second = drafts_of("坡鹿体重约90公斤。体长约1.8米，四肢细长。")
    assert (first.question, first.names_page) == ("坡鹿体重约多少公斤？", False)
    assert (second.question, second.names_page) == ("体长约多少米？", True)


def test_lists_are_asked_for_by_the_line_that_leads_to_them() -> None:
    assert answers_of(SHOP, "list") == {
        "申请退货需要提供哪些材料？": "订单编号；商品照片；退货原因"
    }
    assert answers_of(DRONE, "list") == {
        "起飞前的检查流程是怎样的？": "检查螺旋桨；检查电池电量；校准指南针"
    }
    assert answers_of(CAMERA, "list") == {
        "What does the kit include?": "a charger; a wrist strap; a USB-C cable"
    }


def test_headings_and_marked_questions_ask_for_what_stands_under_them() -> None:
    assert answers_of(SHOP, "faq") == {
        "客服什么时候上班？": "客服的工作时间是每天9点到21点。节假日照常服务。",
        "可以开发票吗？": "可以开具电子发票，开票后24小时内发送到邮箱。",
    }
    assert "How do I reset the camera?" in answers_of(CAMERA, "section")
    assert answers_of("## 安装电池\n\n打开后盖，把电池放入电池槽中，直到听见响声。", "section") == {
        "怎么安装电池？": "打开后盖，把电池放入电池槽中，直到听见响声。"
    }


def test_a_described_option_is_asked_for() -> None:
    (question,) = answers_of(CAMERA, "term")
    assert question == "What does -f, --format do?"


def test_a_page_longer_than_one_reading_asks_to_its_end_in_few_words() -> None:
    filler = "\n\n".join(f"## 第{n}节\n\n这里没有什么可以问的内容" for n in range(2_000))
    drafts = drafts_of(f"{filler}\n\n飞行高度不得超过120米。\n")
    assert "飞行高度不得超过多少米？" in {one.question for one in drafts}
    assert all(len(one.question) <= LONGEST_QUESTION for one in drafts)
    assert all(len(one.reply) <= LONGEST_REPLY for one in drafts)


@pytest.mark.parametrize(
    "text",
    [
        # A label of a dialog, and what a thing is good for: neither says how.
        "## Start Inside\n\nSpecifies that the numbering begins inside the frame of the page.",
        "## Hide notifications\n\nIf you do not want to be bothered, you can hide them all.",
        "## Record a fingerprint\n\nBefore you can log in, it has to be known to the system.",
        # Announcements of what stands elsewhere.
        "## Monitors\n\nHere are a list of other monitoring commands under the system manager.",
        "## Who is on the system?\n\nYou can check who is on the system by the following.",
        "## 网络架构\n\n让我们来回顾一下现代操作系统中的基本网络架构。",
        "Since the system is a moving target, you should refer to its documentation.",
        "A good tutorial can be found:\n\n- in the package\n- on the site",
        "You can toggle searches on each of the tabs:\n\n- Bookmarks\n- Other places",
        "如果仍不起作用，则按住电源按钮5秒钟关闭计算机。",
        "## 3.8. The system\n\n3.8. The udev system: 3.8.1. The initialization of modules",
        # The first line of the table is one of its rows; 同上 is no value; "/ " was a pipe.
        "| Show | Super+N |\n|---|---|\n| Lock the screen | Super+L |\n| Record it | Super+R |",
        "| 切换窗口 | 禁用 |\n|---|---|\n| 恢复窗口 | Super+D |\n| 提升窗口 | 禁用 |",
        "| 命令 | 用途 |\n|---|---|\n| hg | hg 主要是用 Python 写的 |",
        "| 软件包 | 类型 |\n|---|---|\n| mtr | 同上 |\n| iftop | 同左 |",
        "| 命令 | 效果 |\n|---|---|\n| / tail -n 2 | 显示最后两行 |",
        # A section that begins with one of its labels, or leans on its heading or a picture.
        "## 标注线选项\n\n线条粗细： 设置构成标注形状的图形线的粗细。\n\n箭头： 设置它的长度。",
        "## Plotting options\n\nOutput directory: Specify the location to save the files.",
        "## 文本属性\n\n这些属性适用于文本对象，例如封装字段和标签。",
        "## PWR_FLAG\n\nTwo symbols are visible in the screenshot above, beside the source.",
        "## Error menu\n\nBesides the functions mentioned above, the menu has two actions.",
        # 使用 and 连接 are deeds, and what is said beneath is what a thing is.
        "## 使用工程管理器\n\n工程管理器是一个可以轻松运行其他工具的工具，在启动时打开。",
        "The line indicates there is a connection to the pad that is not made yet.",
        # Units beside their names, keys beside their deeds: no line of them is a head.
        "| mm | 毫米 |\n|---|---|\n| in | 英寸 |\n| rad | 弧度 |",
        "## How do I override a file?\n\nSuppose a user wishes to use another program instead.",
        "## 怎样确保旧的库被卸载？\n\n有些软件包被分割成程序和数据，分别安装。",
        "| sda | First hard disk |\n|---|---|\n| sdb | Second hard disk |",
        "| priority | debconf/priority |\n|---|---|\n| suite | mirror/suite |\n| url | a/b |",
        "## Partitioning\n\nAt this time the installer should be ready to do some real work.",
        "Debian is a little different from other distributions that you may know.",
        "| F1 | 放大 |\n|---|---|\n| F2 | 缩小 |\n| F3 | 刷新显示 |",
        "| 组件 | 描述 |\n|---|---|\n| 封装编辑器 | 创建和编辑封装并管理封装库 |",
        # Lines of an index, a lead to a list, and a chat.
        "Palette\n: Delete, Using the Palettes dialog\n\nMetadata\n: Editor, Metadata Editor",
        "Background\n: You can select the background that will be used, among six options:",
    ],
)
def test_labels_announcements_and_loose_ends_ask_nothing(text: str) -> None:
    assert answers_of(text) == {}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "## Reset the camera\n\nHold the red button for five seconds.",
            "How do I reset the camera?",
        ),
        (
            "## Hide notifications\n\nTo hide them, open Settings and press Off.",
            "How do I hide notifications?",
        ),
        (
            "## Charge the battery\n\nThe battery is charged by connecting the cable to a port.",
            "How do I charge the battery?",
        ),
        (
            "## Record a fingerprint\n\nOpen Settings, choose Users and press Add.",
            "How do I record a fingerprint?",
        ),
        (
            "## Where is the key?\n\nThe key hangs behind the door of the office.",
            "Where is the key?",
        ),
        ("## 2.7.11. 谁上传软件包？\n\n软件包由维护者王刚上传，每周五更新。", "谁上传软件包？"),
        ("## 3.5 毫米插孔在哪里？\n\n插孔在机身左侧的橡胶盖下面。", "3.5 毫米插孔在哪里？"),
        (
            "## Printing a label\n\nPress the green key and pull the label out.",
            "How do I print a label?",
        ),
        (
            "## B.4.7. Partitioning\n\nPreseeding is limited to what partman-auto supports.",
            "What does “Manual” say about “Partitioning”?",
        ),
        ("/doc/：\n: 基本的文档，例如这份说明、缺陷报告系统的手册。", "/doc/ 是什么意思？"),
        ("| 任务 | 安装大小 |\n|---|---|\n| • Xfce | 2509 |", "Xfce的安装大小是多少？"),
        ("| 项目 | 说明 |\n|---|---|\n| 退货期限 | 7天 |", "退货期限是多少？"),
        ("Clamp\n: A tool that holds two boards while glue dries.", "What does Clamp mean?"),
        ("You must bring with you:\n\n- a towel\n- a card", "What must you bring with you?"),
        ("The bread can be made of:\n\n- rye\n- wheat", "What can the bread be made of?"),
        ("则天门高18米，建于唐代。", "则天门高多少米？"),
        ("如果孩子不满6岁，则门票为20元。", "如果孩子不满6岁，则门票为多少元？"),
    ],
)
def test_what_looks_like_them_and_is_none_is_asked_for(text: str, question: str) -> None:
    assert question in answers_of(text)


def test_a_condition_alone_is_no_question() -> None:
    assert "如果孩子不满多少岁？" not in answers_of("如果孩子不满6岁，则门票为20元。")
