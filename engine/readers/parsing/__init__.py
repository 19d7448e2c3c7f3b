"""From the text of a file to checked fields, whatever the format: what all readers stand on."""
