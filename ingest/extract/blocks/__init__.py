"""Blocks of a page: what they are, their features, and which of them are the text."""
