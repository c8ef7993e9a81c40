"""Numbers in the advice after a training that failed. No torch, so that diagnosis shares them."""

LR_DIVISOR = 5
"""By how much to lower a learning rate that blew up."""
