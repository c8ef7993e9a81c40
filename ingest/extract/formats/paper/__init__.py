"""What stands on the pages of a PDF, and where."""
