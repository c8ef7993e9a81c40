"""The documents below a folder, and by name and reason everything that is left out of them.

Patterns are those of .gitignore (https://git-scm.com/docs/gitignore), read by pathspec, in
.gitignore and .ignore files at any depth and in `--include` and `--exclude`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pathspec import GitIgnoreSpec

from ingest.events import FileLeftOut, LeftOutReason
from ingest.extract.archives import is_archive
from ingest.extract.base import (
    BINARY_SUFFIXES,
    OLD_OFFICE_SUFFIXES,
    PICTURE_SUFFIXES,
    READABLE_SUFFIXES,
    SNIFFED_BYTES,
    suffix_of,
)
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message

IGNORE_FILES = (".gitignore", ".ignore")
"""Files of patterns; ".ignore" is the name that ripgrep and ag agree on. The later one wins."""

ALWAYS_IGNORED = ("~$*", "Thumbs.db", "desktop.ini", "node_modules/", "__pycache__/")
"""What programs put beside documents without a reader in mind: lock files of Office, libraries
and caches. An ignore file can bring them back by "!node_modules/"."""


class PatternError(QiuzhengError):
    """A pattern of --include or --exclude cannot be read."""

    exit_code = 2


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _parse_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    lines = tuple(lines)
    for line in lines:
        if not line.strip() or not _is_pattern(line):
            raise PatternError(
                Message("no pattern: {line}", line=repr(line)),
                hint=Message("patterns are those of .gitignore, e.g. '*.pdf' or 'drafts/'"),
            )
    return GitIgnoreSpec.from_lines(lines)


HOME_MARK = Path("index", "index.sqlite")
"""What a home of ours has in it, wherever somebody put it."""


class PathPatterns:
    """Which paths are wanted: those that match an include, if there is one, and no exclude."""

    def __init__(self, *, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        """Read the patterns.

        Raises:
            PatternError: one of them is no pattern.
        """
        include = tuple(include)
        self._include = _parse_patterns(include) if include else None
        self._exclude = _parse_patterns(exclude)

    def excludes(self, relative: str) -> bool:
        """Return whether `relative` is left out; a folder's ends with "/".

        A folder is never left out for want of an include: what is below it may match one.
        """
        if self._exclude.match_file(relative):
            return True
        if self._include is None or relative.endswith("/"):
            return False
        return not self._include.match_file(relative)


ALL_PATHS = PathPatterns()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraKinds:
    """Which files of folders are read by choice alone, because that may take long."""

    archives: bool = False
    pictures: bool = False

    def reason_against(self, path: Path) -> Literal["archive", "picture"] | None:
        """Return why a file is left out as one of a kind that nobody chose, None if it is not."""
        if not self.archives and is_archive(path):
            return "archive"
        # A folder of papers holds hundreds of logos and photographs without a word.
        if not self.pictures and suffix_of(path) in PICTURE_SUFFIXES:
            return "picture"
        return None


NO_EXTRA_KINDS = ExtraKinds()


@dataclass(frozen=True, slots=True)
class _IgnoreFile:
    """Patterns that hold below one folder."""

    base: Path
    name: str
    """Which file they stand in, for people; "" for those that hold in every folder."""
    spec: GitIgnoreSpec


def scan_folder(
    folder: Path, patterns: PathPatterns = ALL_PATHS, *, extra_kinds: ExtraKinds = NO_EXTRA_KINDS
) -> Iterator[Path | FileLeftOut]:
    """Yield each document below `folder`, in order of name, and what is left out. Blocks.

    A folder that is left out is one `FileLeftOut`, whatever it holds. No link is followed: one to a
    parent would have no end, one out of the folder may lead to a private key (who unpacks an
    archive has not chosen its links), and what one within the folder leads to is read itself.
    """
    root = folder.resolve()
    always = _IgnoreFile(root, "", GitIgnoreSpec.from_lines(ALWAYS_IGNORED))
    yield from _Scan(root, patterns, extra_kinds).below(root, (always,))


class _Scan:
    """One walk through a folder."""

    def __init__(self, root: Path, patterns: PathPatterns, extra_kinds: ExtraKinds) -> None:
        self._root = root
        self._extra_kinds = extra_kinds
        self._patterns = patterns

    def below(self, place: Path, ignored: tuple[_IgnoreFile, ...]) -> Iterator[Path | FileLeftOut]:
        """Yield what is directly in `place` and below it."""
        # Not recursive: folders can lie deeper in each other than Python's calls may.
        stack = [self._listed(place, ignored)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
            elif isinstance(entry, FileLeftOut):
                yield entry
            elif isinstance(entry, tuple):
                stack.append(self._listed(*entry))
            else:
                yield entry

    def _listed(
        self, place: Path, ignored: tuple[_IgnoreFile, ...]
    ) -> Iterator[Path | FileLeftOut | tuple[Path, tuple[_IgnoreFile, ...]]]:
        """Yield what is directly in `place`: folders with the ignore files that hold in them."""
        try:
            entries = sorted(place.iterdir())
        except OSError:
            yield FileLeftOut(path=f"{place}/", reason="unreadable")
            return
        # A tuple that grows on the way down, not a list: no folder sees its neighbour's patterns.
        ignored = (*ignored, *_ignore_files(place))
        for path in entries:
            is_folder = path.is_dir() and not path.is_symlink()
            if found := self._reason(path, is_folder, ignored):
                name = f"{path}/" if is_folder else str(path)
                yield FileLeftOut(path=name, reason=found[0], rule=found[1])
            elif is_folder:
                yield path, ignored
            else:
                yield path

    def _reason(
        self, path: Path, is_folder: bool, ignored: tuple[_IgnoreFile, ...]
    ) -> tuple[LeftOutReason, str] | None:
        """Return why `path` is left out, and the rule that says so; None if it is wanted."""
        if path.name.startswith("."):
            return "hidden", ""
        # Its models and indexes are of readable types: two megabytes of a tokenizer were stored.
        if is_folder and (path / HOME_MARK).is_file():
            return "system", ""
        if found := _ignoring_rule(path, is_folder, ignored):
            return found
        relative = path.relative_to(self._root).as_posix()
        if self._patterns.excludes(f"{relative}/" if is_folder else relative):
            return "excluded", ""
        if is_folder:
            return None
        if path.is_symlink():
            return self._link_reason(path), ""
        # /dev/urandom has no end, and a pipe without a writer no beginning.
        if not path.is_file():
            return "special", ""
        if unwanted := self._extra_kinds.reason_against(path):
            return unwanted, ""
        return _reason_against_content(path)

    def _link_reason(self, path: Path) -> LeftOutReason:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            return "link_broken"
        if not target.is_relative_to(self._root):
            return "link_outside"
        return "link_folder" if target.is_dir() else "link_inside"


def _reason_against_content(path: Path) -> tuple[LeftOutReason, str] | None:
    """Return why a file has no reader, and its suffix if that says so; None if it has one."""
    try:
        # Folders of source code are full of empty files: each would be an error of the run.
        # A document without a byte is damaged, which is to be said.
        suffix = suffix_of(path)
        if path.stat().st_size == 0 and suffix not in BINARY_SUFFIXES:
            return "empty", ""
        if suffix and suffix not in OLD_OFFICE_SUFFIXES:
            is_readable = is_archive(path) or suffix in READABLE_SUFFIXES
            return None if is_readable else ("no_reader", path.suffix)
        # README and LICENSE are read, programs are not: without a suffix the bytes decide.
        with path.open("rb") as file:
            start = file.read(SNIFFED_BYTES)
    except OSError:
        return "unreadable", ""
    # The readers are imported for such a file alone: a list of addresses needs none.
    from ingest.extract.registry import begins_readable  # noqa: PLC0415

    return None if begins_readable(suffix, start) else ("no_reader", path.suffix)


def _ignoring_rule(
    path: Path, is_folder: bool, ignored: tuple[_IgnoreFile, ...]
) -> tuple[Literal["ignored", "system"], str] | None:
    """Return whose rule leaves `path` out, and the rule. The deepest file has the say."""
    for file in reversed(ignored):
        relative = path.relative_to(file.base).as_posix()
        result = file.spec.check_file(f"{relative}/" if is_folder else relative)
        if result.include is not None:
            pattern = str(file.spec.patterns[result.index or 0].pattern)
            if not result.include:
                return None
            return ("ignored", f"{file.name}: {pattern}") if file.name else ("system", pattern)
    return None


def _ignore_files(place: Path) -> Iterator[_IgnoreFile]:
    for name in IGNORE_FILES:
        path = place / name
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError:  # its folder's documents are readable anyway
            continue
        if text.strip():
            # One by one: git passes over a line that is no pattern, and so do we.
            lines = [line for line in text.splitlines() if _is_pattern(line)]
            yield _IgnoreFile(place, str(path), GitIgnoreSpec.from_lines(lines))
