"""Fresh prices: what the clouds' price lists say, read into rows of the catalogue.

Nothing here asks a cloud; ``providers`` fetches the pages, and ``engine.catalogs`` joins the two.
Price lists hold far more than the price that is meant: Windows under the name of a Linux size, dead
meters, spot and reserved prices. Each row that is left out has its reason, and is counted.
"""
