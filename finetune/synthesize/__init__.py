"""Training rows made of an index: a question, the passages found for it, a checked answer."""
