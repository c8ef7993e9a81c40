"""What belongs to the site is recognized, in both languages."""

import pytest

from ingest.index.boilerplate import is_boilerplate


@pytest.mark.parametrize(
    "text",
    [
        "We use cookies to improve your experience. Accept all or read our privacy policy.",
        "© 2026 Example Ltd. All rights reserved.",
        "Subscribe to our newsletter",
        "Share this on Facebook",
        "Sign in or create an account to leave a comment",
        "Home | News | About us | Contact",
        "- Home\n- Products\n- Blog\n- Careers",
        "Home > News > Drones > Law",
        "Advertisement",
        "版权所有，未经授权不得转载",
        "本网站使用 Cookie，继续浏览即表示同意我们的隐私政策。",
        "扫一扫，关注我们的公众号",
        "首页\n新闻\n体育\n关于我们",
        "责任编辑：王五",
        "上一篇：春天 下一篇：秋天",
        "分享到：微信 微博",
        "京ICP备12345678号",
    ],
)
def test_menus_and_notices_are_recognized(text: str) -> None:
    assert is_boilerplate(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Drones need lights at night.",
        "A cookie is a small file that a site leaves in the browser. The law of the European Union"
        " asks that readers consent before a site may use cookies that are not needed, and the"
        " regulators of several countries have fined those that made it hard to refuse.",
        "- Brazil\n- Russia\n- India\n- China",
        "- Weight: 249 g\n- Speed: 16 m/s\n- Price: 400 euros",
        "| Home | Away |\n|---|---|\n| 3 | 1 |",
        "- 面粉 500 克\n- 鸡蛋 3 个\n- 糖 50 克",
        "无人机在夜间飞行时，灯光应当一直开启。",
        "个人信息保护法规定，网站收集个人信息之前应当取得同意，而隐私政策应当写明收集的目的、方式和"
        "范围，不得以默认勾选的方式取得同意；违反规定的，由主管部门责令改正，并处罚款。",
    ],
)
def test_what_the_page_says_is_left_alone(text: str) -> None:
    assert not is_boilerplate(text)


@pytest.mark.parametrize(
    "heading",
    ["Related articles", "You may also like", "More from Drones", "相关阅读", "猜你喜欢："],
)
def test_links_to_other_pages_are_recognized_by_their_heading(heading: str) -> None:
    assert is_boilerplate("- Drone lights\n- Kites", heading=heading)


@pytest.mark.parametrize(
    "heading", ["", "Related work", "Popular drones", "More light", "相关法律"]
)
def test_headings_of_the_page_itself_are_left_alone(heading: str) -> None:
    assert not is_boilerplate("- Drone lights\n- Kites", heading=heading)


def test_text_that_goes_on_after_links_to_other_pages_is_left_alone() -> None:
    text = (
        "Drones need lights at night, and their lights have to be seen from five kilometres. " * 3
    )
    assert not is_boilerplate(text, heading="Related articles")
