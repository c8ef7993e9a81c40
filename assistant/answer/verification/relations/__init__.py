"""What stands on which side: before and after, more and less, who does it to whom, all but some."""
