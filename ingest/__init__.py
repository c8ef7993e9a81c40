"""Everything between a URL (or a file) and a searchable chunk."""
