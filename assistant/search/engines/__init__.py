"""Search engines, one a file; `assistant.search.registry` finds them by name."""
