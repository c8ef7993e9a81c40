"""`assistant index check`: whether every vector is one, and what cannot be found by its vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.documents import Chunk
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.index.chunk_embedding import EmbeddedChunks, embed_chunks
from ingest.index.embed.base import Embedder
from ingest.index.store.base import IndexStats
from ingest.index.store.maintenance import IndexMaintenance

BATCH = 8
"""Chunks embedded in one request. Small: what is done when a person stops it is kept."""

ProblemKind = Literal[
    "damaged_file", "faulty_vectors", "stray_vectors", "not_embedded", "vector_store", "word_files"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexProblem:
    """One kind of damage in one vector space."""

    kind: ProblemKind
    """"damaged_file": pages of it are torn, and nothing else was looked at; `assistant index
    rebuild` fixes it. "faulty_vectors": zeros, NaN, another length. "stray_vectors": of chunks that
    are gone. "not_embedded": texts that the embedding model could not embed. "vector_store": the
    copy that is searched by similarity differs from the catalogue. "word_files": postings beside
    the index are damaged or of another state of it; questions have them made anew."""
    space: str
    count: int
    reason: Message = NO_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCheck:
    """What was found, and what of it is repaired."""

    stats: IndexStats
    """After the repair, if there was one."""
    found: tuple[IndexProblem, ...]
    left: tuple[IndexProblem, ...]
    """What is still there; all of `found` if nothing was to be repaired."""
    embedded: int = 0
    """Chunks that were embedded again."""
    reason: Message = NO_MESSAGE
    """Why not all of them were."""


async def check_index(
    maintenance: IndexMaintenance, *, fix: bool = False, embedder: Embedder | None = None
) -> IndexCheck:
    """Look at every vector; with `fix`, delete what is none and embed again what lacks one.

    Args:
        maintenance: Of the index.
        fix: Mend what is found.
        embedder: Embeds in its own space; what lacks a vector elsewhere is found by words.

    Raises:
        StoreError: the index cannot be read or written.
    """
    found = await _problems(maintenance)
    if not fix or not found or found[0].kind == "damaged_file":
        stats = await maintenance.stats()
        return IndexCheck(stats=stats, found=found, left=found)
    await maintenance.delete_faulty(await maintenance.faulty_vectors())
    embedding = EmbeddedChunks()
    if embedder is not None:
        # Those that were deleted just now are noted among them.
        lacking = [chunk for chunk, _ in await maintenance.failures(embedder.space)]
        embedding = await _embed(lacking, embedder=embedder, maintenance=maintenance)
    if any(problem.kind == "vector_store" for problem in found):
        await maintenance.rebuild_copy()
    if any(problem.kind == "word_files" for problem in found):
        await maintenance.remake_word_files()
    await maintenance.update_copy()
    return IndexCheck(
        stats=await maintenance.stats(),
        found=found,
        left=await _problems(maintenance),
        embedded=embedding.embedded,
        reason=embedding.reason,
    )


async def _embed(
    chunks: Sequence[Chunk], *, embedder: Embedder, maintenance: IndexMaintenance
) -> EmbeddedChunks:
    done = EmbeddedChunks()
    for start in range(0, len(chunks), BATCH):
        batch = chunks[start : start + BATCH]
        done.add(await embed_chunks(batch, embedder=embedder, store=maintenance.store))
        if done.ended_by is not None:
            break
    return done


async def _problems(maintenance: IndexMaintenance) -> tuple[IndexProblem, ...]:
    if not await maintenance.is_whole():
        return (IndexProblem(kind="damaged_file", space="", count=1),)
    problems: list[IndexProblem] = []
    groups: dict[tuple[ProblemKind, str], list[Message]] = {}
    for one in await maintenance.faulty_vectors():
        kind: ProblemKind = "stray_vectors" if one.chunk is None else "faulty_vectors"
        groups.setdefault((kind, one.space), []).append(one.fault)
    space = (await maintenance.stats()).space
    for _, reason in await maintenance.failures(space):
        groups.setdefault(("not_embedded", space), []).append(reason)
    for (kind, name), reasons in groups.items():
        problems.append(IndexProblem(kind=kind, space=name, count=len(reasons), reason=reasons[0]))
    for copy in await maintenance.copy_differences():
        reason = copy.error or Message(
            "{missing} missing, {surplus} too many, {different} different",
            missing=copy.missing,
            surplus=copy.surplus,
            different=copy.different,
        )
        count = copy.missing + copy.surplus + copy.different
        problems.append(
            IndexProblem(kind="vector_store", space=copy.space, count=count, reason=reason)
        )
    if faulty := await maintenance.count_faulty_word_files():
        problems.append(IndexProblem(kind="word_files", space="", count=faulty))
    return tuple(problems)
