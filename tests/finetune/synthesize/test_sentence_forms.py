"""Sentences ask by their predicate where it has one reading, and nothing where it has none."""

import pytest

from tests.finetune.synthesize.test_questions import answers_of, drafts_of

FACTS = ("fact", "cause", "date", "figure")


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        (
            "The museum was built in 1861 by the engineer Robert Haldane.",
            "Who was the museum built by?",
            "the engineer Robert Haldane",
        ),
        (
            "The meeting was opened by the chair, Doris Malone, at 7 pm.",
            "Who was the meeting opened by?",
            "the chair, Doris Malone",
        ),
        (
            "The group is accompanied by Ms. Lind and Mr. Osei.",
            "Who is the group accompanied by?",
            "Ms. Lind and Mr. Osei",
        ),
        (
            "Peter of Abano translated the work of al-Maridini.",
            "Who translated the work of al-Maridini?",
            "Peter of Abano",
        ),
        (
            "The backup server is located in the Lisbon office.",
            "Where is the backup server located?",
            "in the Lisbon office",
        ),
        (
            "The soup consists of leeks, onions, and stock.",
            "What does the soup consist of?",
            "leeks, onions, and stock",
        ),
        ("The letter Q stands for the word query.", "What does the letter Q stand for?", ""),
        ("The old tower is made of granite.", "What is the old tower made of?", "granite"),
        (
            "The filter is used to keep sand out of the pump, which would wear.",
            "What is the filter used for?",
            "to keep sand out of the pump",
        ),
        (
            "In 1981, ABC (through a division) launched a cable channel.",
            "When did ABC launch a cable channel?",
            "1981",
        ),
        (
            "On 4 May 1902, the Fram left the port of Oslo.",
            "When did the Fram leave the port of Oslo?",
            "4 May 1902",
        ),
        (
            "In 1186, Temujin was elected khan of the Mongols.",
            "When was Temujin elected khan of the Mongols?",
            "1186",
        ),
        ("The seed swap will take place on 3 May in the shed.", "", "3 May"),
        ("The money must be paid by 30 April.", "By when must the money be paid?", "30 April"),
        ("The museum is open from May to September.", "When is the museum open?", ""),
        ("The bus leaves at 8.15 am from the car park.", "When does the bus leave?", "8.15 am"),
        ("The repair cost £120.", "How much did the repair cost?", "£120"),
        ("The tower is 38 metres high and grey.", "How high is the tower?", "38 metres"),
        ("The town has a population of 84,300.", "What is the population of the town?", "84,300"),
        ("The society runs four shops and a mill.", "How many shops does the society run?", ""),
        ("Nineteen members were present.", "How many members were present?", "Nineteen members"),
        ("Sales rose by 6 per cent in 2023.", "By how much did Sales rise?", "6 per cent"),
        ("Oslo is the largest city in Norway.", "What is the largest city in Norway?", "Oslo"),
        (
            "The hedge is cut in August because birds nest in it until July.",
            "Why is the hedge cut in August?",
            "The hedge is cut in August because birds nest in it until July.",
        ),
    ],
)
def test_an_english_predicate_asks_for_its_place(sentence: str, question: str, answer: str) -> None:
    answers = answers_of(sentence, *FACTS)
    (asked,) = [question] if question else answers
    assert answers[asked] == (answer or answers[asked])
    assert answers[asked] in sentence


@pytest.mark.parametrize(
    "sentence",
    [
        # No maker, no place, no whole answer, no year, a verb of something else.
        "The gap was opened by a mistake in the plan.",
        "The list is maintained by means of a script.",
        "The trial was held in the same year.",
        "The council was held in contempt by the town.",
        "The rule is based on the appearance of fossils.",
        "The stator consists of a similar, but fixed, series of blades.",
        "In November, Luther wrote the first of the letters.",
        "Ships launched in 1990 were lost at sea.",
        "In 1564, Jean Ribault established the first settlement, Fort Caroline.",
        "The fair was not cancelled only because it rained.",
        "The team had two more drives and lost.",
        "They were founded by Robert Haldane.",
        "The city has liberty and hope.",
        "The process comprises several steps, and is an initiation.",
        "The group consists of several people of the town.",
        "The best answer will of course depend on the budget of the firm.",
        "The rest of the settings is kept in the second file.",
        "The other daemons are known as bgpd and ripd.",
        "A reboot is then recommended because the driver looks for its files.",
    ],
)
def test_what_an_english_predicate_does_not_tell_is_not_asked(sentence: str) -> None:
    assert answers_of(sentence, *FACTS) == {}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("合作社总部位于安溪县西坪镇。", "合作社总部位于哪里？", "安溪县西坪镇"),
        ("读书会的年会于4月6日在市图书馆举行。", "读书会的年会于4月6日在哪里举行？", "市图书馆"),
        ("新厂房由厦门大学建筑设计院设计。", "新厂房由谁设计？", "厦门大学建筑设计院"),
        ("龙类是由保罗·塞里诺在1986年提出。", "龙类由谁提出？", "保罗·塞里诺"),
        ("廊桥由桥台、拱架和廊屋组成。", "廊桥由什么组成？", "桥台、拱架和廊屋"),
        ("读书会分为小说组、诗歌组和历史组。", "读书会分为哪些？", "小说组、诗歌组和历史组"),
        ("廊桥又称虹桥、风雨桥。", "廊桥又称什么？", "虹桥、风雨桥"),
        ("合作社的理事长是陈福来。", "合作社的理事长是谁？", "陈福来"),
        ("物业公司的电话是0571-5550188。", "物业公司的电话是多少？", "0571-5550188"),
        ("检测室主要用于检测农药残留。", "检测室主要用于什么？", "检测农药残留"),
        ("表哥的婚礼定在10月2日。", "表哥的婚礼定在什么时候？", "10月2日"),
        ("测试于1967年1月27日上午开始。", "测试于什么时候开始？", "1967年1月27日上午"),
        ("代表作《江南春》创作于1978年，现藏于江西。", "代表作《江南春》创作于哪一年？", "1978年"),
        (
            "1953年，沈砚秋毕业于中央美术学院。",
            "沈砚秋毕业于中央美术学院是在哪一年？",
            "1953年",
        ),
        ("沈砚秋是陶艺家，1931年出生于江西景德镇。", "沈砚秋出生于哪里？", "江西景德镇"),
        ("因为木材易燃，廊桥上禁止明火。", "为什么廊桥上禁止明火？", ""),
        ("加糖是为了中和番茄的酸味。", "加糖是为了什么？", ""),
    ],
)
def test_a_chinese_predicate_asks_in_place(sentence: str, question: str, answer: str) -> None:
    assert answers_of(sentence, *FACTS)[question] == (answer or sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        # No subject, one of two, another sentence's noun, a decade, a place that is no purpose.
        "由于遭遇伤病影响，未有过多发挥。",
        "1995年参与创立新研哲学会。",
        "一种位于室内，一种位于室外。",
        "魏斯可是一家总部位于加州的多元化企业。",
        "新城于1980年代由东华实业开发。",
        "艾努语用于塔里木盆地的塔克拉玛干沙漠边缘一带。",
    ],
)
def test_what_a_chinese_predicate_does_not_tell_is_not_asked(sentence: str) -> None:
    assert answers_of(sentence, *FACTS) == {}


def test_what_has_no_name_is_asked_for_by_its_page() -> None:
    named = {
        one.question: one.names_page
        for text in ("The lamp is stored in the attic.", "The Fram is moored in the old dock.")
        for one in drafts_of(text)
    }
    (draft,) = drafts_of("upstream 用于上游源码树的跟踪。")
    assert draft.names_page
    assert named == {"Where is the lamp stored?": True, "Where is the Fram moored?": False}
