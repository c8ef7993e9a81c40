"""What diagnosis asks of weights themselves; torch is at home here."""
