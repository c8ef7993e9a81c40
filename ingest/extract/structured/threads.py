"""Posts of forums, and questions with their answers: who says what, and when.

Boilerplate removal tells text from menus, and takes the names of the authors for the latter. The
programs that write most threads are few, and each has its classes: with them every post gets its
author and its day, and an accepted answer comes first.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from ingest.extract.dom import letters_of, parse_html, text_of
from ingest.extract.markdown import render_markdown
from ingest.extract.metadata.bylines import MAX_AUTHOR
from ingest.extract.metadata.dates import parse_day
from ingest.extract.metadata.jsonld import (
    JsonObject,
    as_list,
    name_properties,
    page_types,
    text_property,
)

MIN_POSTS = 2
MAX_POSTS = 500
MIN_ANSWER = 20  # letters of an answer that a text does not hold by chance
MIN_SHARE = 0.5  # of the letters of the main text that the posts must hold to take its place
MAX_STAMP = 80  # characters of an element that says when

_ACCEPTED = re.compile(r"accepted|best|solution|采纳|最佳", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadTemplate:
    """Where a program puts the parts of a thread: names of classes, or "#" and how an id begins."""

    post: str
    body: str
    author: str
    day: str = ""
    opening: str = ""
    """What is asked or opens the thread, where it is no post like the others."""
    opener: str = ""
    """Who wrote that and when: the first that holds a link to a member."""
    is_qa: bool = False


TEMPLATES = (
    ThreadTemplate(post="#post_", body="#postmessage_", author="authi", day="authi"),  # Discuz
    ThreadTemplate(post="l_post", body="d_post_content", author="p_author_name", day="tail-info"),
    ThreadTemplate(post="post", body="content", author="username username-coloured", day="author"),
    ThreadTemplate(post="message", body="bbWrapper", author="message-name username", day="u-dt"),
    ThreadTemplate(post="postcontainer", body="postcontent", author="username", day="date"),
    ThreadTemplate(post="topic-post", body="cooked", author="username names", day="relative-date"),
    ThreadTemplate(post="crawler-post", body="post", author="creator", day="post-time"),
    ThreadTemplate(post="post_wrapper", body="inner", author="poster", day="smalltext"),
    ThreadTemplate(post="comtr", body="commtext", author="hnuser", day="age", opening="toptext"),
    ThreadTemplate(
        post="#r_", body="reply_content", author="dark", day="ago", opening="topic_content",
        opener="gray",
    ),
    ThreadTemplate(
        post="answer question", body="s-prose js-post-body", author="user-details",
        day="relativetime",
        is_qa=True,
    ),
    ThreadTemplate(
        post="List-item", body="RichContent-inner", author="AuthorInfo-name UserLink-link",
        day="ContentItem-time", opening="QuestionRichText", is_qa=True,
    ),
    ThreadTemplate(
        post="AnswerItem", body="RichContent-inner", author="AuthorInfo-name UserLink-link",
        day="ContentItem-time", opening="QuestionRichText", is_qa=True,
    ),
    ThreadTemplate(
        post="wgt-best answer", body="best-text answer-text", day="wgt-replyer-all-time",
        author="wgt-replyer-all-uname uname", opening="q-content", is_qa=True,
    ),
)  # fmt: skip
"""Discuz, Tieba, phpBB, XenForo, vBulletin, Discourse (twice), SMF, Hacker News, V2EX, Stack
Exchange, Zhihu (a question, and one of its answers), Baidu Zhidao."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPost:
    """One post: its text in Markdown, and who wrote it when, "" where the page does not say."""

    text: str
    author: str
    day: str
    is_accepted: bool
    is_question: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The posts of a page, in order, an accepted answer first."""

    opening: str
    posts: tuple[ThreadPost, ...]
    is_qa: bool
    opener: str = ""
    """Who wrote `opening`, "" where it is a post like the others, or the page does not say."""
    opened_on: str = ""
    """When, as an ISO date."""

    @property
    def opened(self) -> date | None:
        """The day of the first post, None where the thread does not say."""
        days = [day for day in (self.opened_on, *(post.day for post in self.posts)) if day]
        return date.fromisoformat(min(days)) if days else None

    def render(self) -> str:
        """Return the thread as Markdown: a heading with the author above each post."""
        head = ", ".join(filter(None, (self.opener, self.opened_on)))
        parts = [f"### {head}"] if head and self.opening else []
        parts += [self.opening] if self.opening else []
        for post in self.posts:
            head = ", ".join(filter(None, (post.author, post.day)))
            parts += [f"### {head}", post.text] if head else [post.text]
        return "\n\n".join(parts)


def read_thread(root: etree._Element, *, classes: str) -> Thread | None:
    """Return the thread on a page, None if none of the known programs wrote one.

    `classes` are those of all elements, in one string: most pages are decided by it.
    """
    names = set(classes.split())
    for template in TEMPLATES:
        parts = (template.post, template.body, template.author)
        if all(part.startswith("#") or not names.isdisjoint(part.split()) for part in parts):
            first = next(_find(root, template.opening), None)
            opening = "" if first is None else render_markdown(first)
            posts = tuple(itertools.islice(_read_posts(root, template), MAX_POSTS))
            if len(posts) + bool(opening) >= MIN_POSTS and any(post.author for post in posts):
                if template.is_qa:
                    posts = tuple(
                        sorted(posts, key=lambda post: (not post.is_question, not post.is_accepted))
                    )
                # "laozhou · 3 天前": the day stands in a title.
                members = [
                    link
                    for place in itertools.islice(_find(root, template.opener), MAX_POSTS)
                    if (link := place.find("a[@href]")) is not None
                    and "/member/" in link.get("href")
                ][:1]
                stamps = (each.get("title", "") for link in members for each in link.itersiblings())
                return Thread(
                    opening=opening,
                    posts=posts,
                    is_qa=template.is_qa,
                    opener=" ".join(" ".join(map(text_of, members)).split())[:MAX_AUTHOR],
                    opened_on=str(next(filter(None, map(parse_day, stamps)), "")),
                )
    return None


def thread_of_data(objects: Sequence[JsonObject]) -> Thread | None:
    """Return the question with its answers that structured data hold, None if they hold none."""
    for each in objects:
        if "question" not in page_types([each]):
            continue
        posts = tuple(
            ThreadPost(
                text=text,
                author=next(iter(name_properties(answer.get("author"), names={})), ""),
                day=str(parse_day(text_property(answer.get("dateCreated"))) or ""),
                is_accepted=key == "acceptedAnswer",
            )
            for key in ("acceptedAnswer", "suggestedAnswer")
            for answer in as_list(each.get(key))[:MAX_POSTS]
            if isinstance(answer, dict) and (text := _markdown_of(answer.get("text")))
        )
        if posts:
            return Thread(opening=_markdown_of(each.get("text")), posts=posts, is_qa=True)
    return None


def read_faq(objects: Sequence[JsonObject], *, text: str) -> str:
    """Return the questions of an FAQPage whose answers `text` does not hold, as Markdown.

    Sites open each answer by a script, and declare all of them (https://schema.org/FAQPage).
    """
    known = letters_of(text)
    parts = []
    for each in objects:
        if "faqpage" not in page_types([each]):
            continue
        for question in as_list(each.get("mainEntity"))[:MAX_POSTS]:
            answer = question.get("acceptedAnswer") if isinstance(question, dict) else None
            if isinstance(answer, list) and answer:
                answer = answer[0]
            if not isinstance(answer, dict):
                continue
            title = " ".join(text_property(question.get("name")).split())
            reply = _markdown_of(answer.get("text"))
            letters = letters_of(reply)
            # "By hand" is in any text on valves; with its question beside it, it is the answer.
            is_known = letters in known and (
                len(letters) >= MIN_ANSWER or letters_of(title) in known
            )
            if title and reply and not is_known:
                parts.append(f"## {title}\n\n{reply}")
    return "\n\n".join(parts)


def _markdown_of(value: Any) -> str:
    text = text_property(value)
    root = parse_html(text) if "<" in text else None
    return text if root is None else render_markdown(root.find("body"))


def _read_posts(root: etree._Element, template: ThreadTemplate) -> Iterator[ThreadPost]:
    for place in _find(root, template.post):
        body = next(_find(place, template.body), None)
        if body is None or body is place:
            continue
        text = render_markdown(body)
        if letters_of(text):
            # Of "Ada | 5 posts" the link is the name.
            authors = (next(each.iter("a"), each) for each in _find(place, template.author))
            author = next(filter(None, (" ".join(text_of(a).split()) for a in authors)), "")
            days = (parse_day(text_of(each)[:MAX_STAMP]) for each in _find(place, template.day))
            day = next(filter(None, days), None)
            yield ThreadPost(
                text=text,
                author=author if len(author) <= MAX_AUTHOR else "",
                day=day.isoformat() if day else "",
                is_accepted=_ACCEPTED.search(place.get("class", "")) is not None,
                is_question="question" in place.get("class", "").split(),
            )


def _find(place: etree._Element, names: str) -> Iterator[etree._Element]:
    """Yield the elements in `place` with one of the classes, or an id that begins so."""
    conditions = [
        f"starts-with(@id, '{name[1:]}')"
        if name.startswith("#")
        else f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"
        for name in names.split()
    ]
    if conditions:
        yield from place.xpath(f".//*[{' or '.join(conditions)}]")
