"""What a run is charged: its funding, reservation, charge, settlement and bill."""
