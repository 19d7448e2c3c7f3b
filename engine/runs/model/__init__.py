"""What a run is: its order, its states, its errors, and its form in the database."""
