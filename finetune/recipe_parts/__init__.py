"""What a recipe consists of: its tables, and the names of their keys."""
