"""Postings of the words leg, in files beside the index."""
