"""Work of the server beside answering: models, documents in, documents out."""
