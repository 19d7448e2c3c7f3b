"""Plans as they are sold: their model, their file, what is on sale, and quotes."""
