"""Evidence of a run, and one check for each thing that goes wrong in fine-tuning. No torch."""
