"""The commands of `assistant index`, and what they print."""
