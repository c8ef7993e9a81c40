"""What people write in plain text with marks: Org, reStructuredText, LaTeX, AsciiDoc."""
