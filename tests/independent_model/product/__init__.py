"""The product, asked through its Python API: the same steps, and a picture of its books."""
