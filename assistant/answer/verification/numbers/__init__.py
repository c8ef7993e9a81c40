"""Numbers as they are written: in digits, in words, with units, as dates and times."""
