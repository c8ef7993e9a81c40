"""From files of many formats to prepared data: read, cleaned, deduplicated, split, judged."""
