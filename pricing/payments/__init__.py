"""How accounts pay: what each channel can do, and the port that money is collected through."""
