"""What the fields of a row mean: one file for each format that people keep training data in."""
