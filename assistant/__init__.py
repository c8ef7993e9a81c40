"""Everything between a question and a cited answer."""
