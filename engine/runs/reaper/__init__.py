"""The end of machines that outlived their run, and proof that somebody looks for them."""
