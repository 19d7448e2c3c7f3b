"""What a script says of its own load, as far as its file can be read surely; nothing is run."""
