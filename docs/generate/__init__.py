"""Pages of the site that are written from the code while it is built, and never committed."""
