"""Probes of a model's weights, with torch."""
