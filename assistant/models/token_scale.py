"""What a model's server counts, against what we estimate."""

MAX_RATIO = 4.0
"""A byte for each token: no tokenizer makes more of Chinese text than three tokens a character."""


class TokenScale:
    """Corrects the estimate of `ingest.text.tokens` by the server's own counts, for one model.

    A tokenizer that knows no Chinese makes 1.69 tokens of each that we think it makes; another
    limit than the one in the settings is in force where a server was started with less.
    """

    def __init__(self) -> None:
        self._ratio = 1.0
        self._limit: int | None = None

    def learn_count(self, *, estimate: int, counted: int) -> None:
        """Note how many tokens the server counted in a prompt of this estimate."""
        # Only upwards: a server that has part of the prompt in its cache may count the rest alone.
        if estimate > 0:
            self._ratio = min(MAX_RATIO, max(self._ratio, counted / estimate))

    def learn_limit(self, *, estimate: int, tokens: tuple[int, int]) -> None:
        """Note how long a refused prompt was, and how long it might have been."""
        counted, limit = tokens
        self.learn_count(estimate=estimate, counted=counted)
        self._limit = min(limit, self._limit or limit)

    def context_tokens(self, configured: int) -> int:
        """Return the context, in tokens of our estimate."""
        return int(min(configured, self._limit or configured) / self._ratio)
