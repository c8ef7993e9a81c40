"""What a page holds beside running text: posts of threads, data of products, data of scripts."""
