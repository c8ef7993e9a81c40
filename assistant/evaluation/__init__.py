"""A person's own questions, asked of the present index and model, and judged."""
