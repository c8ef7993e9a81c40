"""Texts of many kinds that come with the package: what a tuned model must not lose."""
