"""How the bytes of office files, tables, books and data become text; `readers` recognize them."""
