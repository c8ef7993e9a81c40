"""What stands on which side: before and after, more and less, who pays whom, all but some."""

import pytest

from tests.verdict_samples import verdict

OTTERS = "Otters are larger than mink but smaller than beavers."
RENT = "The tenant pays the landlord a deposit of two months' rent."
PETS = "Pets other than birds and fish need written consent."
STORM = "Damage by storm is insured, damage by flood is not."
WORKS = "Reference works must not leave the reading room, except on Fridays."
CLAY = "Clay soil holds more water than sand and warms up more slowly."
COUNCIL = "The employer must inform the works council before dismissing anyone."
ROOMS = "Each room has a bath, and every guest except children pays."
CHOOSE = "The conductor chooses the soloists, and the board chooses the conductor."
WATER = "水汽先于甲烷被探测到。"
DAM = "拦河坝拆除后，鲑鱼重新回到上游。"
OTTERS_ZH = "水獭的体型比水貂大，比河狸小。"
STAR = "该恒星的温度低于太阳，年龄约为太阳的两倍。"
CARDS = "轮到自己时必须先摸一张牌，然后可以打出一张牌。"
PACK = "参赛者年龄须在18岁以上，除随身物品外不得携带其他行李。"
OFFICE = "除法定节假日外，服务中心周一至周五上午8:30到下午5:30办公。"
TICKET = "Passengers must show a valid ticket, and inspectors may ask for proof of identity."
SURGERY = "Dr. Meyer performed the operation on Mr. Brown in March 2019."
DOCTOR = "被保险人应当在事故发生后14日内报案，医生证明可以随后补交。"

TRUE_AND_TURNED = [
    (OTTERS, "Beavers are bigger than otters.", "Mink are larger than otters."),
    (
        "Returned items are checked before the deposit is paid back.",
        "The deposit is paid back after returned items are checked.",
        "The deposit is paid back before the returned items are checked.",
    ),
    (
        "Because the weirs were removed, salmon returned to the upper river.",
        "Salmon returned to the upper river because the weirs were removed.",
        "The weirs were removed because salmon returned to the upper river.",
    ),
    (
        "Water vapour was detected before methane.",
        "Methane was detected after water vapour.",
        "Methane was detected before water vapour.",
    ),
    (CLAY, "Sand holds less water than clay soil.", "Sand warms up more slowly than clay soil."),
    (
        "The excess is 250 euros for drivers over 25 and 600 euros for younger drivers.",
        "The excess is lower for drivers over 25 than for younger drivers.",
        "The excess is higher for drivers over 25 than for younger drivers.",
    ),
    (
        RENT,
        "The tenant pays the landlord a deposit.",
        "The landlord pays the tenant a deposit of two months' rent.",
    ),
    (
        "The trophy was given to Anna Berg by Tom Hale.",
        "The trophy was given to Anna Berg.",
        "Anna Berg gave the trophy to Tom Hale.",
    ),
    (CHOOSE, "The conductor chooses the soloists.", "The soloists choose the conductor."),
    (
        COUNCIL,
        "The works council must be informed by the employer before anyone is dismissed.",
        "The works council must inform the employer before anyone is dismissed.",
    ),
    (PETS, "Birds and fish do not need written consent.", "All pets need written consent."),
    (PETS, "Birds and fish need no written consent.", "Birds and fish need written consent."),
    (
        "No player may hold more than seven cards, except the banker.",
        "Only the banker may hold more than seven cards.",
        "The banker may not hold more than seven cards.",
    ),
    (ROOMS, "Each room has a bath.", "Every guest pays."),
    (
        STORM,
        "Storm damage is insured, but flood damage is not.",
        "Storm damage is not insured, but flood damage is.",
    ),
    (
        "A trader gives one wool to a neighbour and receives two bricks from him.",
        "A trader gives one wool to a neighbour and receives two bricks.",
        "A trader gives two bricks to a neighbour and receives one wool from him.",
    ),
    ("除库房外，所有房间都供暖。", "除库房外，所有房间都供暖。", "所有房间都供暖。"),
    (WATER, "甲烷是在水汽之后被探测到的。", "甲烷先于水汽被探测到。"),
    (DAM, "拦河坝拆除以后，鲑鱼回到上游。", "鲑鱼回到上游后，拦河坝被拆除。"),
    (OTTERS_ZH, "河狸比水獭体型更大。", "水貂的体型比水獭大。"),
    (STAR, "太阳的温度高于该恒星。", "太阳的温度低于该恒星。"),
    (
        "除鸟类和观赏鱼外，饲养宠物须经出租人书面同意。",
        "养鸟和养观赏鱼不需要书面同意。",
        "饲养任何宠物都须经出租人书面同意。",
    ),
    (
        CARDS,
        "轮到自己时必须先摸一张牌，然后可以打出一张牌。",
        "轮到自己时可以先摸一张牌，然后必须打出一张牌。",
    ),
    (DOCTOR, "医生证明可以随后补交。", "医生证明必须在14日内提交。"),
    (
        "红牌胜蓝牌，蓝牌胜绿牌。",
        "蓝牌胜绿牌。",
        "蓝牌胜红牌。",
    ),
    (
        "经主管同意，每周可以远程办公不超过三天。",
        "经主管同意，每周最多可以远程办公三天。",
        "经主管同意，每周至少可以远程办公三天。",
    ),
    (
        "前三个月不承担牙科治疗费用，自第四个月起报销一半。",
        "自第四个月起牙科治疗费用报销一半。",
        "自第四个月起全额报销牙科治疗费用。",
    ),
]


@pytest.mark.parametrize(("passage", "true", "turned"), TRUE_AND_TURNED)
def test_both_sides_of_a_relation_are_where_the_passage_has_them(
    passage: str, true: str, turned: str
) -> None:
    assert verdict(passage, true).kind == "supported"
    assert verdict(passage, turned).kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        # Nouns in -er are no comparatives, 专长于 compares nothing, 三年前 is no clause.
        ("Water is cheaper than oil.", "Oil is more expensive than water."),
        ("他专长于股票市场行为。", "他专长于股票市场行为。"),
        ("刘洋三年前获得银牌。", "刘洋三年前获得银牌。"),
        # What is on one side only: nothing is known of the other.
        ("Sow the beans after the last frost.", "The beans are sown after the last frost."),
        # Both directions of what is mutual are true.
        ("王强是张丽的经理，张丽是陈晨的经理。", "陈晨的经理是张丽。"),
        # A subject behind "to", and a passive.
        (
            "The landlord is paid a deposit by the tenant.",
            "The tenant pays the landlord a deposit.",
        ),
        # 除了…都有 adds.
        ("除了年假外，员工都有病假。", "员工都有病假。"),
        # Clauses in another order are the same clauses.
        (
            "Sopranos rehearse on Tuesday and basses on Thursday.",
            "Basses rehearse on Thursday, sopranos on Tuesday.",
        ),
    ],
)
def test_what_is_only_said_the_other_way_round_is_supported(passage: str, sentence: str) -> None:
    assert verdict(passage, sentence).kind == "supported"


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        # A relation that stands does not vouch for the names and figures on its sides.
        (
            "Ida Lemaire left the firm before Paul Roth joined the board.",
            "Paul Roth left the firm before Ida Lemaire joined the board.",
        ),
        ("冷水下锅，焯水后捞出。", "热水下锅，焯水后捞出。"),
        ("Otters are larger than mink.", "Otters are not larger than mink."),
        ("刘洋三年前获得银牌。", "刘洋三年前获得金牌。"),
    ],
)
def test_a_relation_that_stands_vouches_for_nothing_else(passage: str, sentence: str) -> None:
    assert verdict(passage, sentence).kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        ("除机械故障外，其他损坏均不在保修范围内。", "除了机械故障，其他损坏不保修。", True),
        (
            "除特殊情况外，申请须在三日内处理完毕。",
            "除非有特殊情况，申请须在三日内处理完毕。",
            True,
        ),
        ("除特殊情况外，申请须在三日内处理完毕。", "特殊情况下申请须在三日内处理完毕。", False),
        (PACK, "参赛者可以携带随身物品，但不得携带其他行李。", True),
        (PACK, "不得携带随身物品。", False),
        (OFFICE, "服务中心周一至周五上午8:30至下午5:30办公，节假日休息。", True),
        (OFFICE, "服务中心法定节假日办公。", False),
    ],
)
def test_a_sentence_may_say_both_what_is_excepted_and_what_holds_of_the_rest(
    passage: str, sentence: str, is_true: bool
) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        (TICKET, "Passengers may be asked by inspectors for proof of identity.", True),
        (TICKET, "Passengers may ask for proof of identity.", False),
        (SURGERY, "The operation on Mr. Brown was performed by Dr. Meyer in March 2019.", True),
        (SURGERY, "Mr. Brown performed the operation on Dr. Meyer in March 2019.", False),
    ],
)
def test_what_may_be_done_to_somebody_is_not_what_he_may_do(
    passage: str, sentence: str, is_true: bool
) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true


def test_a_name_and_a_figure_do_not_stand_for_another_verb() -> None:
    page = "The stone bridge in Prague was begun in 1357 by the king and finished in 1402."
    assert verdict(page, "The bridge in Prague was finished in 1402.").kind == "supported"
    false = "The bridge in Prague was demolished by students in 1402."
    assert verdict(page, false).kind == "unsupported"
