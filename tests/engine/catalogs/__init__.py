"""Both clouds' price lists, in their own shapes, and what a refresh makes of them."""
