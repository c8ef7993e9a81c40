"""Calendars and address cards: files of entries, each made of content lines."""
