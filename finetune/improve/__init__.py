"""From a collection of the index to a model that answers better from it, or to the old one."""
