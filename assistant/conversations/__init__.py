"""Conversations kept by id, for the page and for `assistant chat --resume`."""
