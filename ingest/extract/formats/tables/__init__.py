"""What spreadsheet programs write into cells, and around the tables that they export."""
