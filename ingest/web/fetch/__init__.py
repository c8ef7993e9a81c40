"""Downloading pages: one promise, several ways."""
