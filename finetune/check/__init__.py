"""What the model will see, checked before training."""
