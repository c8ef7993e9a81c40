"""How a command begins, ends and prints its help, the same in all packages."""
