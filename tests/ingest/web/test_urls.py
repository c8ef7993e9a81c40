import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import FetchError
from ingest.web.urls import (
    canonical_url,
    chunk_id,
    host_of,
    is_same_or_subdomain,
    normalize_url,
    origin_of,
    page_id,
    parse_url_list,
    resolve_reference,
    typed_url,
)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTP://Example.COM:80/A/../b#part", "http://example.com/b"),
        ("example.com/app#/help/fees?a=1", "https://example.com/app#/help/fees?a=1"),
        ("example.com/#!/news/7", "https://example.com/#!/news/7"),
        ("example.com/#/", "https://example.com/"),
        ("example.com/x", "https://example.com/x"),
        ("//example.com/x", "https://example.com/x"),
        ("example.com:8443/x", "https://example.com:8443/x"),
        ("https://example.com./x?", "https://example.com/x"),
        ("https://example.com/?utm_source=a&id=7&UTM_Medium=b", "https://example.com/?id=7"),
        ("https://example.com/?gclid=1&fbclid=2&msclkid=3&spm=a.b", "https://example.com/"),
        (
            "https://mp.weixin.qq.com/s?__biz=M&mid=1&idx=2&sn=3&chksm=4&scene=21&mpshare=1#rd",
            "https://mp.weixin.qq.com/s?__biz=M&mid=1&idx=2&sn=3",
        ),
        ("https://mp.weixin.qq.com/s/AbC?scene=1&from=x", "https://mp.weixin.qq.com/s/AbC"),
        ("https://www.toutiao.com/article/1/?share_token=x", "https://www.toutiao.com/article/1/"),
        ("https://www.zhihu.com/answer/2?share_code=a", "https://www.zhihu.com/answer/2"),
        ("https://b23.tv/abc?ts=1&unique_k=z", "https://b23.tv/abc"),
        ("https://m.weibo.cn/status/4?sourceType=weixin&wm=9", "https://m.weibo.cn/status/4"),
        ("https://pan.example.com/s?share_code=a", "https://pan.example.com/s?share_code=a"),
        ("https://mp.weixin.qq.com/profile?action=a", "https://mp.weixin.qq.com/profile?action=a"),
        ("https://www.bilibili.com/video/B1?from=search&p=2", "https://www.bilibili.com/video/B1?p=2"),
        ("https://notbilibili.com/video?from=search", "https://notbilibili.com/video?from=search"),
        ("https://example.com/?b=2&a=1&a=0", "https://example.com/?b=2&a=1&a=0"),
        ("https://example.com/?ref=x&source=y", "https://example.com/?ref=x&source=y"),
        ("https://example.com/%7euser/%e4%b8%ad", "https://example.com/~user/%E4%B8%AD"),
        ("https://例子.中国/路径?词=值", "https://xn--fsqu00a.xn--fiqs8s/%E8%B7%AF%E5%BE%84?%E8%AF%8D=%E5%80%BC"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("https://example.com/%%341", "https://example.com/A"),
        ("  https://example.com/\t", "https://example.com/"),
        ("https:\\\\example.com\\x", "https://example.com/x"),
    ],
)  # fmt: skip
def test_spellings_of_one_page_have_one_canonical_url(spelling: str, canonical: str) -> None:
    assert canonical_url(spelling) == canonical


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "hello",
        "hello world",
        "3.14",
        "/etc/passwd",
        "file:///etc/passwd",
        "data:text/html,hi",
        "gopher://example.com/",
        "javascript:alert(1)",
        "mailto:a@example.com",
        "https://user:secret@example.com/",
        "https://",
        "https://./",
        "http://[::1",
        "http://exa mple.com/",
        "https://example.com/\ud800",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 70_000,
    ],
)
def test_what_is_no_web_address_is_refused_in_one_clear_line(junk: str) -> None:
    with pytest.raises(FetchError) as caught:
        canonical_url(junk)
    assert caught.value.reason == "unsupported"
    for language in ("en", "zh"):
        line = caught.value.localize(language)
        assert len(line) < 300
        assert "\n" not in line


def test_a_password_in_an_address_is_named_as_the_trouble() -> None:
    with pytest.raises(FetchError, match="password"):
        canonical_url("https://user:secret@example.com/")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.example.com/path", "example_com_path"),
        ("https://example.com/b-c.html", "example_com_b_c_html"),
        ("http://example.com/path", "example_com_path"),
        ("https://example.com/a?id=1&x=y z", "example_com_a_id_1_x_y_z"),
        ("https://example.com/%E8%B7%AF%E5%BE%84", "example_com_路径"),
        ("https://xn--fsqu00a.xn--fiqs8s/a", "例子_中国_a"),
    ],
)
def test_names_are_the_seeds_and_readable(url: str, name: str) -> None:
    assert normalize_url(url) == name


def test_a_name_is_bounded_however_long_the_url() -> None:
    assert len(normalize_url("https://example.com/" + "路" * 5_000)) == 80


def test_ids_are_name_hash_and_position() -> None:
    assert page_id("https://www.example.com/path") == "example_com_path_2738fe6a"
    assert chunk_id("https://www.example.com/path", 3) == "example_com_path_2738fe6a_3"


def test_pages_that_the_name_confuses_have_ids_of_their_own() -> None:
    pages = [f"https://example.com/b{sign}c" for sign in "-_./"]
    assert len({normalize_url(page) for page in pages}) == 1
    assert len({page_id(page) for page in pages}) == len(pages)


URLS = st.one_of(
    st.builds(
        "{}://{}{}/{}?{}#{}".format,
        st.sampled_from(["http", "HTTPS", "https"]),
        st.sampled_from(["example.com", "EXAMPLE.com.", "www.example.com", "例子.中国", "1.1.1.1"]),
        st.sampled_from(["", ":80", ":443", ":8080"]),
        st.text(alphabet="ab/.%2eE4~_- 路", max_size=12),
        st.text(alphabet="ab=&%2eE?utm_spm", max_size=12),
        st.text(max_size=3),
    ),
    st.text(max_size=30),
)


def canonical_or_none(text: str) -> str | None:
    try:
        return canonical_url(text)
    except FetchError:
        return None


@given(URLS)
def test_a_canonical_url_is_its_own_canonical_url(text: str) -> None:
    canonical = canonical_or_none(text)
    if canonical is not None:
        assert canonical_url(canonical) == canonical
        assert canonical.isascii()


@given(URLS, URLS)
def test_two_urls_share_an_id_exactly_if_they_are_one_page(left: str, right: str) -> None:
    a, b = canonical_or_none(left), canonical_or_none(right)
    if a is not None and b is not None:
        assert (page_id(left) == page_id(right)) == (a == b)


def test_origin_and_host() -> None:
    assert origin_of("https://Example.com:443/a") == "https://example.com"
    assert origin_of("http://example.com:8080/a") == "http://example.com:8080"
    assert host_of("https://WWW.Example.com.:8443/") == "www.example.com"
    assert host_of("http://[::1]:80/") == "::1"
    assert host_of("nonsense") == ""


@pytest.mark.parametrize(
    ("host", "domain", "below"),
    [
        ("youtube.com", "youtube.com", True),
        ("m.YouTube.com", "youtube.com", True),
        ("notyoutube.com", "youtube.com", False),
        ("youtube.com.evil.test", "youtube.com", False),
        ("example.com", "", False),
    ],
)
def test_an_exclusion_covers_a_domain_and_what_is_below_it(
    host: str, domain: str, below: bool
) -> None:
    assert is_same_or_subdomain(host, domain) is below


def test_a_reference_is_resolved_against_its_page() -> None:
    assert resolve_reference("https://a.test/x/y", "../z?q=1") == "https://a.test/z?q=1"
    assert resolve_reference("https://a.test/", "file:///etc/passwd") == "file:///etc/passwd"
    with pytest.raises(FetchError):
        resolve_reference("https://a.test/", "http://[")


def test_a_list_is_read_with_its_comments_doubles_and_junk() -> None:
    text = (
        "\ufeff# my pages\r\n"
        "https://example.com/a\r\n"
        "\r\n"
        "example.com/a#again   # the same page\r\n"
        "ftp://example.com/b\r\n"
        "https://example.com/b?utm_source=mail\n"
        "not a url\n"
    )
    urls, problems = parse_url_list(text)
    assert urls == ["https://example.com/a", "https://example.com/b"]
    assert [line.localize("en").partition(":")[0] for line in problems] == ["line 5", "line 7"]
    assert problems[1].localize("zh").startswith("第 7 行")


def test_local_file_has_an_id_of_its_own() -> None:
    assert chunk_id("file:///home/ada/笔记.md", 3).startswith("file____home_ada_笔记_md_")
    assert page_id("file:///home/ada/a.md") != page_id("file:///home/ada/a_md")


@pytest.mark.parametrize(
    "typed",
    [
        "<https://a.test/x?b=1&c=2>",
        "[The page](https://a.test/x?b=1&c=2)",
        '[The page](<https://a.test/x?b=1&c=2> "title")。',
        "网址：https://a.test/x?b=1&c=2。",
        "（https://a.test/x?b=1&c=2）",
        "URL: https://a.test/x?b=1&amp;c=2",
        "view-source:https://a.test/x?b=1&c=2",
        "https：//a.test/x?b=1&c=2",
        "\u200bhttps://a.test/x?b=1&c=2\ufeff",
        "a.test/x?b=1&c=2",
    ],
)
def test_an_address_is_read_out_of_what_was_copied_along(typed: str) -> None:
    assert typed_url(typed) == "https://a.test/x?b=1&c=2"


@pytest.mark.parametrize(
    "typed", ["javascript:https://a.test/", "data:https://a.test/", "网址：", "<>"]
)
def test_what_holds_no_address_stays_none(typed: str) -> None:
    with pytest.raises(FetchError):
        typed_url(typed)


def test_an_address_in_an_address_is_left_alone() -> None:
    archived = "https://a.test/web/https://b.test/x"
    assert typed_url(archived) == archived
