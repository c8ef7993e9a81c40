"""Blocks of a page: what they are, what is told of them, and which of them are the text."""
