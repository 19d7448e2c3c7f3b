"""What people and programs meet: the command line and its documents."""
