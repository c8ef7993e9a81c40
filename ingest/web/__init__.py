"""Polite and safe access to the web: URLs, robots.txt, rate limits, address rules, fetchers."""
