"""What a page says of itself: title, author, days, language, address, and its structured data."""
