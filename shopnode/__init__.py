"""One shop: the process on its PC that sells, prints and keeps the books, with or without the internet."""
