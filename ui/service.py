"""One assistant for every tab of the page, and the answers that it is giving.

A turn belongs to the server and not to a tab: it goes on when its tab is reloaded or closed, and
every tab that shows its conversation sees it grow.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from assistant.answer.orchestrator import Assistant
from assistant.conversations.feedback import Feedback, feedback_row
from assistant.conversations.store import ConversationStore
from assistant.conversations.turns import TurnState
from assistant.errors import ConversationError
from assistant.events import AnswerFailed
from assistant.nvc.advice import MessageAdviser
from assistant.values import ChatMessage, Question
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ui.bridge import CLOSE_TIMEOUT_S, EventLoopThread
from ui.jobs.background_jobs import BackgroundJobs
from ui.session import LIVE_STATES, Conversation, PageTurn
from ui.uploads import FilesToRead, read_upload

T = TypeVar("T")

KEEP_INTERVAL_S = 1.0
"""Seconds between two times that a growing answer is kept: what a killed server may lose of it."""


class AssistantService:
    """Asks one assistant on behalf of every browser tab, and keeps their conversations."""

    def __init__(
        self,
        open_assistant: Callable[[], AbstractAsyncContextManager[Assistant]],
        *,
        open_store: Callable[[], ConversationStore] | None = None,
        prompt_of: Callable[[str], Sequence[ChatMessage]] = lambda _: (),
    ) -> None:
        """Open nothing yet.

        Args:
            open_assistant: Called in the service's own event loop, by the first question.
            open_store: Where conversations are kept; None: nowhere.
            prompt_of: Returns what the model was given for the answer of an id, () if not known.
        """
        self._loop = EventLoopThread()
        self._assistant = LazyResource(open_assistant)
        self._open_store = open_store
        self._prompt_of = prompt_of
        self._store: ConversationStore | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._is_closing = False
        self._opening = threading.RLock()
        self._keeping = threading.Lock()
        self._conversations: WeakValueDictionary[str, Conversation] = WeakValueDictionary()
        self.jobs = BackgroundJobs(self._loop)
        """What goes on beside the answers."""
        self.adviser = MessageAdviser()
        """Looks at messages before they are sent."""
        self.store_problem: Message | None = None
        """Why conversations are not kept at the moment."""

    @property
    def store(self) -> ConversationStore | None:
        """The store, opened when it is first asked for; None where nothing can be kept."""
        with self._opening:
            if self._store is None and self._open_store is not None:
                try:
                    self._store = self._open_store()
                except ConversationError as error:
                    self.store_problem = error.message
            return self._store

    def conversation(self, id_: str) -> Conversation:
        """Return the conversation of this id: the one that is open, a kept one, or a new one.

        Raises:
            ConversationError: it is kept, and cannot be read.
        """
        # Tabs and routes ask at the same time, and must get the same one.
        with self._opening:
            # Tabs and answers hold it: one that no tab shows any more is read again.
            found = self._conversations.get(id_)
            if found is None:
                found = Conversation(id=id_)
                title = self.store.title(id_) if self.store else None
                if self.store is not None and title is not None:
                    found.title = title
                    found.turns = [PageTurn.of_kept(turn) for turn in self.store.turns(id_)]
                    feedback = self.store.feedback(id_)
                    for turn in found.turns:
                        turn.feedback = feedback.get(turn.number)
                self._conversations[id_] = found
                return found
        if found.live_turn is None:
            # Another server, or `assistant chat --resume`, may have gone on with it.
            self._catch_up(found, finished=True)
        return found

    def unkept_conversation(self, id_: str) -> Conversation:
        """Return a new conversation without looking whether one is kept: the file may be broken."""
        with self._opening:
            return self._conversations.setdefault(id_, Conversation(id=id_))

    def ask(
        self,
        conversation: Conversation,
        question: str,
        *,
        web: bool,
        fresh: bool = False,
        collections: tuple[str, ...] = (),
        files: FilesToRead | None = None,
    ) -> PageTurn | None:
        """Begin to answer a question, or have it wait for the one that is being answered.

        Args:
            conversation: Where it is asked.
            question: As it was typed.
            web: Search the web for it.
            fresh: Ask engines and sites again.
            collections: Answer from these alone; (): from all.
            files: Read these first, each into the collection of its name.

        Returns:
            Its turn; None if the question is blank.
        """
        self._catch_up(conversation)
        if self.store is not None and not conversation.private:
            with suppress(ConversationError):
                # In another tab: whoever goes on with it here wants it back, and the answer kept.
                if self.store.is_deleted(conversation.id):
                    self.store.restore(conversation.id)
        turn = conversation.add_question(
            question, web=web, fresh=fresh, collections=collections, files=files
        )
        if turn is not None:
            # Here and now: the list beside the page is drawn next, and is to hold it.
            self._keep(conversation, turn)
            self._loop.call(self._start_next(conversation))
        return turn

    def refuse(self, conversation: Conversation, question: str, error: QiuzhengError) -> None:
        """Show a question as one that failed before anybody could begin to answer it."""
        turn = conversation.add_question(question, web=False)
        if turn is not None:
            with conversation.lock:
                turn.apply_event(AnswerFailed.from_error(error))
                _end_turn(conversation, turn, "failed")
            self._keep(conversation, turn)

    def ask_again(
        self,
        conversation: Conversation,
        number: int,
        *,
        question: str | None = None,
        web: bool | None = None,
        fresh: bool = False,
    ) -> PageTurn | None:
        """Answer a turn once more, or another question in its place; later turns go.

        Args:
            conversation: Where it stands.
            number: Of the turn.
            question: Another wording; None: the same.
            web: Whether to search the web; None: as before.
            fresh: Ask engines and sites again.
        """
        self.stop(conversation)
        with self._keeping:
            with conversation.lock:
                if not 0 <= number < len(conversation.turns):
                    return None
                old = conversation.turns[number]
                del conversation.turns[number:]
            if self.store is not None and not conversation.private:
                with suppress(ConversationError):
                    self.store.remove_turns(conversation.id, start=number)
        return self.ask(
            conversation,
            question if question and question.strip() else old.question,
            web=old.web if web is None else web,
            fresh=fresh,
            collections=old.collections,
            # Read once: what was taken out of the index since then stays out.
            files=old.files if old.passages is None else None,
        )

    def give_feedback(self, conversation: Conversation, number: int, feedback: Feedback) -> None:
        """Keep what a reader says of a turn; with the prompt of its answer, where that is kept.

        Raises:
            ConversationError: it cannot be kept.
        """
        with conversation.lock:
            if not 0 <= number < len(conversation.turns):
                return
            turn = conversation.turns[number]
            kept = turn.to_keep()
            answer_id = turn.answer.id if turn.answer is not None else ""
        if self.store is not None and not conversation.private:
            row = feedback_row(kept, feedback, prompt=self._prompt_of(answer_id))
            self.store.put_feedback(conversation.id, number, feedback, row)
        with conversation.lock:
            turn.feedback = feedback
            turn.revision += 1
            conversation.revision += 1

    def stop(self, conversation: Conversation) -> None:
        """Stop the answer that is being given; what was written stays."""
        with conversation.lock:
            turn = conversation.live_turn
            if turn is None:
                return
            # Now, and not when the task has ended: whoever draws next is to see it.
            _end_turn(conversation, turn, "stopped")
        self._loop.call(self._cancel(turn))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the service's event loop and return its result."""
        return self._loop.call(work)

    def reopen(self) -> None:
        """Let the next question open the assistant again, with the settings in force then.

        An answer that is being given is stopped: it uses what is closed.
        """
        for conversation in list(self._conversations.values()):
            self.stop(conversation)
        self._loop.call(self._assistant.close())
        self.jobs.forget_model()

    def close(self) -> None:
        """Close the assistant; give up after `CLOSE_TIMEOUT_S` seconds."""
        with suppress(TimeoutError):
            self._loop.call(self._close(), timeout_s=CLOSE_TIMEOUT_S)
        if self._store is not None:
            self._store.close()

    async def _close(self) -> None:
        self._is_closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.jobs.close()
        await self.adviser.close()
        await self._assistant.close()

    async def _start_next(self, conversation: Conversation) -> None:
        """Start to answer the turn that has waited longest, unless another one is running."""
        turn = conversation.live_turn
        if turn is None or turn.state != "waiting" or self._is_closing:
            return
        turn.state = "running"
        task = asyncio.create_task(self._answer(conversation, turn))
        self._tasks[id(turn)] = task
        task.add_done_callback(lambda _: self._tasks.pop(id(turn), None))

    async def _cancel(self, turn: PageTurn) -> None:
        if task := self._tasks.get(id(turn)):
            task.cancel()

    async def _answer(self, conversation: Conversation, turn: PageTurn) -> None:
        """Answer one turn to its end, whoever looks."""
        started = time.monotonic()
        try:
            await self._apply_events(conversation, turn, started)
        except asyncio.CancelledError:
            # By `stop`, which has said so already, or by the end of the program.
            _end_turn(conversation, turn, "interrupted")
            raise
        except QiuzhengError as error:
            with conversation.lock:
                turn.apply_event(AnswerFailed.from_error(error))
            _end_turn(conversation, turn, "failed")
        except Exception as error:
            # A fault of ours must not leave a turn that seems to be answered for ever.
            failure = AnswerFailed(
                code="crashed", message=Message("the answer broke off: {error}", error=error)
            )
            with conversation.lock:
                turn.apply_event(failure)
            _end_turn(conversation, turn, "failed")
            raise
        finally:
            turn.seconds = time.monotonic() - started
            await asyncio.shield(asyncio.to_thread(self._keep, conversation, turn))
            await self._start_next(conversation)

    async def _apply_events(
        self, conversation: Conversation, turn: PageTurn, started: float
    ) -> None:
        await self.jobs.finish_removal()
        await self._read_files(conversation, turn)
        assistant = await self._assistant.get()
        question = Question(
            turn.question,
            web=turn.web,
            fresh=turn.fresh,
            private=conversation.private,
            collections=turn.collections,
        )
        history = conversation.history(before=turn.number)
        kept_at = time.monotonic()
        async with aclosing(assistant.ask(question, history)) as events:
            async for event in events:
                with conversation.lock:
                    if turn.state != "running":
                        return
                    turn.apply_event(event)
                    turn.seconds = time.monotonic() - started
                if time.monotonic() - kept_at > KEEP_INTERVAL_S:
                    await asyncio.to_thread(self._keep, conversation, turn)
                    kept_at = time.monotonic()
        _end_turn(conversation, turn, "done" if turn.failure is None else "failed")

    async def _read_files(self, conversation: Conversation, turn: PageTurn) -> None:
        """Read the files of a question into the index.

        Raises:
            FileNotReadError: one of them cannot be read.
        """
        if turn.files is None:
            return
        for path in turn.files.paths:
            with conversation.lock:
                turn.reading = path.name
                turn.revision += 1
            await read_upload(path, language=turn.files.language)
            with conversation.lock:
                turn.reading = ""
                turn.revision += 1

    def _keep(self, conversation: Conversation, turn: PageTurn) -> None:
        """Keep the turn as it is now; what cannot be kept is said on the page, and goes on."""
        if conversation.private or self.store is None:
            return
        # A turn that was just taken out must not come back by what was written of it before.
        with self._keeping:
            with conversation.lock:
                if not any(turn is one for one in conversation.turns):
                    return
                kept = turn.to_keep()
            try:
                self.store.put_turn(conversation.id, kept, title=conversation.title)
                self.store_problem = None
            except ConversationError as error:
                self.store_problem = error.message

    def _catch_up(self, conversation: Conversation, *, finished: bool = False) -> None:
        """Take up the turns that another program has added to a conversation meanwhile.

        Args:
            conversation: Where they were added.
            finished: Take only those up to the first that is still being answered.
        """
        if self.store is None or conversation.private or not conversation.turns:
            return
        # Not between the two halves of taking turns out, which would come back.
        with self._keeping, suppress(ConversationError):
            kept = self.store.turns(conversation.id, start=len(conversation.turns))
            with conversation.lock:
                for turn in kept:
                    if finished and turn.state in LIVE_STATES:
                        return
                    if turn.number == len(conversation.turns):
                        conversation.turns.append(PageTurn.of_kept(turn))
                        conversation.revision += 1


def _end_turn(conversation: Conversation, turn: PageTurn, state: TurnState) -> None:
    """Give a live turn its last state; the first who does has the last word."""
    with conversation.lock:
        if turn.state in LIVE_STATES:
            turn.state = state
            turn.revision += 1
            conversation.revision += 1
