"""The figures of an evaluation, each in one place, with the source of its definition."""
