"""Messages that may hurt, and how they could be put (M. Rosenberg, "Nonviolent Communication")."""
